package otherapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
)

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// text is the value where it is one, and otherwise empty.
func text(value any) string {
	s, _ := value.(string)
	return s
}

// list makes one kind of list of all.
func list[T any](of []T) []any {
	out := make([]any, len(of))
	for i, value := range of {
		out[i] = value
	}
	return out
}

// texts and objects are the members of a JSON list that are of the kind.
func texts(value any) []string   { return members[string](value) }
func objects(value any) []Object { return members[Object](value) }
func members[T any](value any) []T {
	var out []T
	all, _ := value.([]any)
	for _, one := range all {
		if typed, ok := one.(T); ok {
			out = append(out, typed)
		}
	}
	return out
}

// patchLists takes {"remove": [...], "add": [...]} apart.
func patchLists(value any) (remove, add []Object) {
	patch, _ := value.(Object)
	return objects(patch["remove"]), objects(patch["add"])
}

// deepCopy parts a value from later changes.
func deepCopy(value any) any {
	switch value := value.(type) {
	case Object:
		out := make(Object, len(value))
		for name, member := range value {
			out[name] = deepCopy(member)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, member := range value {
			out[i] = deepCopy(member)
		}
		return out
	}
	return value
}

// version is how an object looked from a moment on.
type version struct {
	from  time.Time
	shape Object
}

// asOf is the shape of the latest version that is as old as the moment, or of the first one.
func asOf(versions []version, moment time.Time) Object {
	shape := versions[0].shape
	for _, v := range versions {
		if !v.from.After(moment) {
			shape = v.shape
		}
	}
	return shape
}

// write turns a value into what goes over the wire.
func (s *Server) write(value any, name string) any {
	switch value := value.(type) {
	case Object:
		out := make(Object, len(value)+1)
		for name, member := range value {
			if members, ok := member.([]any); ok && len(members) == 0 && s.choices.NoEmptyLists {
				member = nil
			}
			if member != nil || s.choices.Nulls {
				out[name] = s.write(member, name)
			}
		}
		if s.choices.Future {
			out["provenance"] = Object{"since": []any{1, "x"}}
		}
		return out
	case []Object:
		return s.write(list(value), name)
	case []any:
		out := make([]any, len(value))
		for i, member := range value {
			out[i] = s.write(member, "")
		}
		if s.choices.Shuffled && name != "ipAccessList" {
			s.random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		}
		return out
	case time.Time:
		return s.writeTime(value)
	case float64:
		number := strconv.FormatFloat(value, 'f', -1, 64)
		if s.choices.Floats && value == float64(int64(value)) {
			number += ".0"
		}
		return json.Number(number)
	}
	return value
}

func (s *Server) writeTime(t time.Time) string {
	layout := "2006-01-02T15:04:05.000Z"
	if s.choices.WholeSeconds {
		layout = "2006-01-02T15:04:05Z"
	}
	if s.choices.NumericZone {
		layout = layout[:len(layout)-1] + "+00:00"
	}
	return t.UTC().Format(layout)
}
