package otherapi

import (
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

func (c *call) patchService(service *Service) error {
	if err := c.notBusy(service); err != nil {
		return err
	}
	if err := c.only("name", "ipAccessList", "privateEndpointIds", "releaseChannel", "endpoints", "transparentDataEncryptionKeyId",
		"tags", "enableCoreDumps"); err != nil {
		return err
	}
	if _, isList := c.body["tags"].([]any); isList {
		return refuse(http.StatusBadRequest, "BAD_REQUEST: request body.tags is an array.")
	}
	if c.choices.NoTags && c.body["tags"] != nil {
		return refuse(http.StatusBadRequest, "Property tags is not expected.")
	}
	return c.alter(service, c.body)
}

// notBusy refuses what a service on its way cannot do.
func (c *call) notBusy(service *Service) error {
	if c.choices.BusyRefuses && !service.up() {
		return refuse(http.StatusConflict, "Instance %s is busy.", service.ID)
	}
	return nil
}

// alter carries out all of a patch, or nothing of it.
func (c *call) alter(service *Service, patch Object) error {
	fields := maps.Clone(service.Fields)
	if name, given := patch["name"].(string); given {
		if c.choices.TrimmedNames {
			name = strings.TrimSpace(name)
		}
		if length := len([]rune(name)); length < 1 || length > 50 {
			return refuse(http.StatusBadRequest, "A name has 1 to 50 characters.")
		}
		fields["name"] = name
	}
	if channel := text(patch["releaseChannel"]); channel != "" {
		if !slices.Contains([]string{"slow", "default", "fast"}, channel) {
			return refuse(http.StatusBadRequest, "There is no such release channel.")
		}
		fields["releaseChannel"] = channel
	}
	if key := text(patch["transparentDataEncryptionKeyId"]); key != "" {
		if fields["hasTransparentDataEncryption"] != true {
			return refuse(http.StatusBadRequest, "The service is not encrypted.")
		}
		fields["transparentDataEncryptionKeyId"] = key
	}
	if dumps, given := patch["enableCoreDumps"].(bool); given {
		if dumps && c.org.Fields["enableCoreDumps"] != true {
			return refuse(http.StatusBadRequest, "The organization does not allow core dumps.")
		}
		fields["enableCoreDumps"] = dumps
	}
	mysql := service.MySQL
	for _, endpoint := range objects(patch["endpoints"]) {
		enabled, given := endpoint["enabled"].(bool)
		if endpoint["protocol"] != "mysql" || !given {
			return refuse(http.StatusBadRequest, "Only mysql can be switched, on or off.")
		}
		mysql = enabled
	}
	access, err := c.patchAccess(service.IPAccessList, patch["ipAccessList"])
	if err != nil {
		return err
	}
	tags, err := c.patchTags(service.Tags, patch["tags"])
	if err != nil {
		return err
	}
	attached, err := c.patchAttached(service, fields, patch["privateEndpointIds"])
	if err != nil {
		return err
	}
	service.Fields, service.MySQL, service.IPAccessList, service.Tags, service.PrivateEndpoints = fields, mysql, access, tags, attached
	c.log("service_update", Object{"serviceId": service.ID})
	return nil
}

// network is an address or a network in IPv4.
func network(source string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(source); err == nil && addr.Is4() {
		return netip.PrefixFrom(addr, 32), nil
	}
	prefix, err := netip.ParsePrefix(source)
	if err != nil || !prefix.Addr().Is4() {
		return netip.Prefix{}, refuse(http.StatusBadRequest, "%q is neither an IPv4 address nor a network.", source)
	}
	return prefix, nil
}

// spelt is the source as this server keeps it.
func (c *call) spelt(source string) (string, error) {
	prefix, err := network(source)
	if err != nil {
		return "", err
	}
	if c.choices.NormalCIDR {
		return prefix.Masked().String(), nil
	}
	return source, nil
}

func (c *call) patchAccess(have []Object, patch any) ([]Object, error) {
	remove, add := patchLists(patch)
	list := slices.Clone(have)
	for _, entry := range remove {
		source, err := c.spelt(text(entry["source"]))
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(old Object) bool { return old["source"] == source })
	}
	for _, entry := range add {
		source, err := c.spelt(text(entry["source"]))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(old Object) bool { return old["source"] == source }) {
			if c.choices.RefusesAgain {
				return nil, refuse(http.StatusBadRequest, "%s is in the list.", source)
			}
			continue
		}
		list = append(list, Object{"source": source, "description": text(entry["description"])})
	}
	return list, nil
}

var tagText = regexp.MustCompile(`^[a-zA-Z0-9._-]*$`)

func (c *call) patchTags(have []Object, patch any) ([]Object, error) {
	remove, add := patchLists(patch)
	tags := slices.Clone(have)
	for _, gone := range remove {
		tags = slices.DeleteFunc(tags, func(tag Object) bool {
			paired := gone["value"] == nil || text(gone["value"]) == text(tag["value"])
			return tag["key"] == gone["key"] && (paired || !c.choices.PairedTags)
		})
	}
	for _, fresh := range add {
		key, value := text(fresh["key"]), text(fresh["value"])
		if key == "" || len(key) > 128 || len(value) > 256 || !tagText.MatchString(key) || !tagText.MatchString(value) {
			return nil, refuse(http.StatusBadRequest, "%q cannot be a tag.", key)
		}
		if slices.ContainsFunc(tags, func(tag Object) bool { return tag["key"] == key }) {
			if c.choices.RefusesAgain {
				return nil, refuse(http.StatusBadRequest, "There is a tag %s.", key)
			}
			continue
		}
		tags = append(tags, Object{"key": key, "value": value})
	}
	if len(tags) > 50 {
		return nil, refuse(http.StatusBadRequest, "50 tags are enough.")
	}
	return tags, nil
}

func (c *call) patchAttached(service *Service, fields Object, patch any) ([]string, error) {
	lists, _ := patch.(Object)
	attached := slices.Clone(service.PrivateEndpoints)
	for _, id := range texts(lists["remove"]) {
		attached = slices.DeleteFunc(attached, func(have string) bool { return have == id })
	}
	for _, id := range texts(lists["add"]) {
		registered := slices.ContainsFunc(c.org.Endpoints, func(e Object) bool {
			return e["id"] == id && e["cloudProvider"] == fields["provider"] && e["region"] == fields["region"]
		})
		if !registered {
			return nil, refuse(http.StatusBadRequest, "There is no endpoint %s where the service is.", id)
		}
		if slices.Contains(attached, id) {
			if c.choices.RefusesAgain {
				return nil, refuse(http.StatusBadRequest, "Endpoint %s is attached.", id)
			}
			continue
		}
		attached = append(attached, id)
	}
	return attached, nil
}
