package view

// pen adds terminal styles where they are wanted. Styles never carry meaning that the text lacks.
type pen struct{ on bool }

func (p pen) paint(sign, text string) string {
	switch sign {
	case signAdd:
		return p.style("32", text)
	case signUpdate:
		return p.style("33", text)
	case signRemove:
		return p.style("31", text)
	default:
		return text
	}
}

func (p pen) bold(text string) string { return p.style("1", text) }

func (p pen) dim(text string) string { return p.style("2", text) }

func (p pen) style(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
