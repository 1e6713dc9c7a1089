package sim

import (
	"net/http"
	"regexp"
	"slices"
	"unicode/utf8"
)

// providers and regions are those of the current API document.
var (
	providers = []string{"aws", "gcp", "azure"}
	regions   = map[string][]string{
		"aws": {
			"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
			"eu-west-1", "eu-west-2", "il-central-1", "us-east-1", "us-east-2", "us-west-2",
		},
		"gcp":   {"us-east1", "us-central1", "europe-west2", "europe-west4", "asia-southeast1", "asia-northeast1"},
		"azure": {"eastus", "eastus2", "westus3", "germanywestcentral", "centralus"},
	}

	// The document says letters, digits and whitespace; names with these other characters are known to work.
	namePattern = regexp.MustCompile(`^[A-Za-z0-9 ._-]*[A-Za-z0-9._-][A-Za-z0-9 ._-]*$`)
	tagPattern  = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)
)

const (
	maxName     = 50
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// readServiceName reads the name of a service: 1 to 50 characters out of namePattern.
func readServiceName(f *fields) *string {
	name := f.str("name")
	if name == nil {
		return nil
	}
	if n := utf8.RuneCountInString(*name); n < 1 || n > maxName {
		f.fail(badRequest("request body.name: length must be between 1 and %d <number:%d>", maxName, n))
	} else if !namePattern.MatchString(*name) {
		f.fail(badRequest("request body.name: must be an alphanumerical string with whitespaces: %s", shown(*name)))
	}
	return name
}

// readReleaseChannel reads the release channel of a service.
func readReleaseChannel(f *fields) *string {
	return f.enum("releaseChannel", "slow", "default", "fast")
}

// coreDumps reads enableCoreDumps, which a service may not switch on while the organization forbids it.
func (c *call) coreDumps(f *fields) *bool {
	dumps := f.boolean("enableCoreDumps")
	if dumps != nil && *dumps && !c.st.Organization.EnableCoreDumps {
		f.fail(badRequest("core dumps are disabled for the organization"))
	}
	return dumps
}

// readEndpointSwitches reads the protocols to turn on or off.
func readEndpointSwitches(f *fields) ([]endpointSwitch, bool) {
	list := []endpointSwitch{}
	ok := f.each("endpoints", func(e *fields) {
		e.require("protocol", "enabled")
		protocol, enabled := e.enum("protocol", protocolMySQL), e.boolean("enabled")
		if protocol == nil || enabled == nil {
			return
		}
		if slices.ContainsFunc(list, func(o endpointSwitch) bool { return o.Protocol == *protocol }) {
			e.fail(badRequest("%s.protocol is named twice: %s", e.path, *protocol))
		}
		list = append(list, endpointSwitch{*protocol, *enabled})
	})
	return list, ok
}

// readIP reads one entry of an IP access list. The source is kept as it is spelled.
func readIP(e *fields) ipEntry {
	e.require("source")
	entry := ipEntry{Source: deref(e.str("source")), Description: deref(e.str("description"))}
	if _, ok := parseSource(entry.Source); !ok {
		e.fail(badRequest("%s.source value is not an IPv4 address or CIDR: %s", e.path, shown(entry.Source)))
	}
	return entry
}

// addIP adds an entry to a list in which a source may occur once.
func (c *call) addIP(e *fields, list []ipEntry) []ipEntry {
	entry := readIP(e)
	i := slices.IndexFunc(list, func(o ipEntry) bool { return o.Source == entry.Source })
	if i < 0 {
		return append(list, entry)
	}
	if err := unless(c.cfg.Statuses.DuplicateSource, http.StatusBadRequest, "%s.source exists already: %s", e.path, entry.Source); err != nil {
		e.fail(err)
	}
	list[i] = entry
	return list
}

// patchIPs applies an {add, remove} patch. Entries are removed by source alone; removing an absent one changes nothing.
func (c *call) patchIPs(p *fields, current []ipEntry) []ipEntry {
	list := slices.Clone(current)
	p.each("remove", func(e *fields) {
		e.require("source")
		e.str("description")
		source := deref(e.str("source"))
		list = slices.DeleteFunc(list, func(o ipEntry) bool { return o.Source == source })
	})
	p.each("add", func(e *fields) { list = c.addIP(e, list) })
	return list
}

// addTag adds a tag to a list in which a key may occur once.
func (c *call) addTag(t *fields, list []tag) []tag {
	t.require("key")
	added := tag{Key: deref(t.str("key")), Value: deref(t.str("value"))}
	if len(added.Key) < 1 || len(added.Key) > maxTagKey || !tagPattern.MatchString(added.Key) {
		t.fail(badRequest("%s.key value is not a tag key: %s", t.path, shown(added.Key)))
	}
	if added.Value != "" && (len(added.Value) > maxTagValue || !tagPattern.MatchString(added.Value)) {
		t.fail(badRequest("%s.value value is not a tag value: %s", t.path, shown(added.Value)))
	}
	i := slices.IndexFunc(list, func(o tag) bool { return o.Key == added.Key })
	if i < 0 {
		return append(list, added)
	}
	if err := unless(c.cfg.Statuses.DuplicateTag, http.StatusBadRequest, "%s.key exists already: %s", t.path, added.Key); err != nil {
		t.fail(err)
	}
	list[i] = added
	return list
}

func checkTagCount(f *fields, list []tag) {
	if len(list) > maxTags {
		f.fail(badRequest("request body.tags: a service has at most %d tags <number:%d>", maxTags, len(list)))
	}
}

// patchTags applies an {add, remove} patch. Tags are removed by key alone.
func (c *call) patchTags(p *fields, current []tag) []tag {
	list := slices.Clone(current)
	p.each("remove", func(t *fields) {
		t.require("key")
		t.str("value")
		name := deref(t.str("key"))
		list = slices.DeleteFunc(list, func(o tag) bool { return o.Key == name })
	})
	p.each("add", func(t *fields) { list = c.addTag(t, list) })
	checkTagCount(p, list)
	return list
}
