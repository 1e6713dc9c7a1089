package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// checkClickHouse applies the rules of ClickHouse Cloud.
func checkClickHouse(d *draft) {
	for _, person := range slices.Concat(d.entries["members"], d.entries["invitations"]) {
		d.checkRoles(person)
	}
	for _, key := range d.entries["keys"] {
		d.checkRoles(key)
		d.checkExpiry(key)
		if roles, ok := key.tree["roles"].([]any); ok && len(roles) == 0 && !key.absent() {
			d.warn(CodeRoleless, key.at("roles").pos(), "a key without roles may call query endpoints that are bound to it, and nothing else",
				"give it a role, or leave roles out if they are not managed")
		}
	}
	d.checkServices()
	d.checkKnown()
	d.checkServiceNames()
}

// serviceInherits: the replica fields are one decision and are inherited together or not at all, and a secondary has no backups of
// its own and is where its primary is.
func serviceInherits(own Tree, key string) bool {
	_, secondary := own["warehouse"]
	replicas := slices.ContainsFunc(replicaFields, func(f string) bool { _, ok := own[f]; return ok })
	return (!secondary || key != "backupConfiguration" && !slices.Contains(location, key)) &&
		(!replicas || !slices.Contains(replicaFields, key))
}

// completeServices takes a default timeout from services whose idling is off, and gives secondaries the place of their primaries,
// as far as that is declared.
func completeServices(d *draft) {
	byName := map[string]object{}
	for _, s := range d.objects["services"] {
		if _, own := s.tree["idleTimeoutMinutes"]; !own && s.settings["idleScaling"].value == false {
			delete(s.settings, "idleTimeoutMinutes")
		}
		byName[CanonicalName(text(s.tree, "name"))] = s
	}
	for _, s := range d.objects["services"] {
		primary, declared := byName[CanonicalName(s.text("warehouse"))]
		for _, key := range location {
			if inherited, ok := primary.settings[key]; declared && ok && !s.has(key) {
				s.settings[key] = inherited
			}
		}
	}
}

var replicaFields = []string{"numReplicas", "minReplicas", "maxReplicas"}

func (d *draft) checkServices() {
	primaries := map[string]object{}
	for _, s := range d.objects["services"] {
		primaries[CanonicalName(text(s.tree, "name"))] = s
	}
	endpoints := map[string][]entry{} // by id, which several registrations may share
	for _, e := range d.entries["privateEndpoints"] {
		id := text(e.tree, "id")
		endpoints[id] = append(endpoints[id], e)
	}
	for _, s := range d.objects["services"] {
		d.checkReplicas(s)
		d.checkHorizontal(s)
		d.checkSettings(s)
		d.checkWarehouse(s, primaries)
		d.checkEndpoints(s, endpoints)
		d.checkEncryption(s)
		d.checkCoreDumps(s)
		d.checkDistinct(s.list("tags"), s.value("tags"), "tag", tagList)
		d.checkDistinct(s.list("endpoints"), s.value("endpoints"), "protocol", protocolList)
		for i, tag := range s.list("tags") {
			if key := text(tag, "key"); key == NonceTag || strings.HasPrefix(key, NonceTag+"-") {
				d.report(CodeReserved, s.value("tags", i).pos(), "tag "+key+" is one of orgctl's own marks of an unfinished service", "use another key")
			}
		}
	}
}

// checkReplicas: a count or a whole band, and no minimum above its maximum.
func (d *draft) checkReplicas(s object) {
	band := s.has("minReplicas") || s.has("maxReplicas")
	whole := s.has("minReplicas") && s.has("maxReplicas")
	one, other := "minReplicas", "maxReplicas"
	if !s.has(one) {
		one, other = other, one
	}
	switch {
	case band && s.has("numReplicas"):
		d.report(CodeReplicas, s.key(one), one+" and numReplicas are both given",
			"numReplicas for a fixed number, minReplicas and maxReplicas for a band", Related{"numReplicas", s.key("numReplicas")})
	case band && !whole:
		d.report(CodeReplicas, s.key(one), fmt.Sprintf("%s is given without %s", one, other), "add "+other)
	}
	d.checkBounds(s, "minReplicas", "maxReplicas")
	d.checkBounds(s, "minReplicaMemoryGb", "maxReplicaMemoryGb")
}

func (d *draft) checkBounds(s object, low, high string) {
	least, hasLeast := Number(s.settings[low].value)
	most, hasMost := Number(s.settings[high].value)
	if hasLeast && hasMost && least > most {
		d.report(CodeMinMax, s.value(low).pos(), fmt.Sprintf("%s %v is above %s %v", low, least, high, most), "",
			Related{high, s.value(high).pos()})
	}
}

// checkHorizontal: a band whose ends differ scales horizontally, which needs one size of replica, and nothing else has one.
func (d *draft) checkHorizontal(s object) {
	mode := s.text("autoscalingMode")
	low, hasLow := Number(s.settings["minReplicas"].value)
	high, hasHigh := Number(s.settings["maxReplicas"].value)
	band := hasLow && hasHigh && low != high
	least, hasLeast := Number(s.settings["minReplicaMemoryGb"].value)
	most, hasMost := Number(s.settings["maxReplicaMemoryGb"].value)
	switch {
	case mode == "horizontal" && s.has("numReplicas"):
		d.report(CodeHorizontal, s.key("numReplicas"), "numReplicas has no meaning in horizontal mode",
			"give minReplicas and maxReplicas, or autoscalingMode: vertical", Related{"autoscalingMode", s.key("autoscalingMode")})
	case mode == "horizontal" && !s.has("minReplicas") && !s.has("maxReplicas"):
		d.report(CodeHorizontal, s.key("autoscalingMode"), "horizontal mode without minReplicas and maxReplicas", "add both")
	case mode == "vertical" && band:
		d.report(CodeHorizontal, s.key("minReplicas"), fmt.Sprintf("a band from %v to %v replicas in vertical mode", low, high),
			"give numReplicas, or autoscalingMode: horizontal", Related{"autoscalingMode", s.key("autoscalingMode")})
	case (mode == "horizontal" || mode == "" && band) && hasLeast && hasMost && least != most:
		d.report(CodeHorizontal, s.key("minReplicaMemoryGb"),
			fmt.Sprintf("replicas from %v to %v GB while their number varies", least, most),
			"make minReplicaMemoryGb equal to maxReplicaMemoryGb", Related{"maxReplicaMemoryGb", s.key("maxReplicaMemoryGb")})
	}
}

// checkSettings: settings that exclude one another.
func (d *draft) checkSettings(s object) {
	if s.settings["idleScaling"].value == false && s.has("idleTimeoutMinutes") {
		d.report(CodeIdleTimeout, s.key("idleTimeoutMinutes"), "idleTimeoutMinutes is given while idling is off",
			"leave it out, or write idleScaling: true", Related{"idleScaling", s.key("idleScaling")})
	}
	backup, _ := s.settings["backupConfiguration"].value.(Tree)
	start, _ := backup["backupStartTime"].(string)
	period, hasPeriod := Number(backup["backupPeriodInHours"])
	if start != "" && hasPeriod && period != 24 && period != 48 {
		d.report(CodeBackup, s.value("backupConfiguration", "backupPeriodInHours").pos(),
			fmt.Sprintf("backups at a fixed time come every 24 or 48 hours, not every %v", period), "",
			Related{"backupStartTime", s.value("backupConfiguration", "backupStartTime").pos()})
	}
}

// checkWarehouse: a secondary names a declared primary and leaves to it what is the warehouse's.
func (d *draft) checkWarehouse(s object, services map[string]object) {
	if !s.has("warehouse") {
		if s.settings["isReadonly"].value == true {
			d.report(CodeSecondary, s.key("isReadonly"), "isReadonly is given without warehouse", "only a secondary can be read-only")
		}
		return
	}
	if s.has("backupConfiguration") {
		d.report(CodeSecondary, s.key("backupConfiguration"), "a secondary service has no backups of its own",
			"configure them on its primary", Related{"warehouse", s.key("warehouse")})
	}
	name, pos := CanonicalName(s.text("warehouse")), s.value("warehouse").pos()
	primary, declared := services[name]
	switch {
	case name == "":
	case name == CanonicalName(text(s.tree, "name")):
		d.report(CodeWarehouse, pos, "a service cannot be its own warehouse", "leave warehouse out: a primary has one of its own")
	case !declared && d.complete:
		d.report(CodeWarehouse, pos, fmt.Sprintf("warehouse %s is no declared service", quoted(name)), d.suggest(name, values(d.entries["services"], "name")))
	case declared && primary.tree["warehouse"] != nil:
		d.report(CodeWarehouse, pos, fmt.Sprintf("%s is a secondary service itself", quoted(name)), "name the primary of the warehouse",
			Related{"its own warehouse", primary.entry.key("warehouse")})
	case declared && primary.absent() && !s.absent():
		d.report(CodeWarehouse, pos, fmt.Sprintf("warehouse %s is declared absent", quoted(name)), "",
			Related{"declared absent here", primary.entry.key("ensure")})
	case declared && !s.absent():
		d.checkPlace(s, primary)
	}
}

// checkPlace: the services of a warehouse are in one place.
func (d *draft) checkPlace(s, primary object) {
	for _, key := range location {
		own, that := s.text(key), primary.text(key)
		if own != "" && that != "" && own != that {
			d.report(CodeSecondary, s.value(key).pos(), fmt.Sprintf("%s %s is not that of its warehouse, %s", key, quoted(own), quoted(that)),
				"leave it out: a secondary is where its primary is", Related{"the primary's", primary.key(key)})
		}
	}
}

// checkEncryption: keys of the customer's are a matter of aws, and another key is for data that are encrypted with one.
func (d *draft) checkEncryption(s object) {
	provider := s.text("provider")
	for _, field := range []string{"encryptionKey", "encryptionAssumedRoleIdentifier"} {
		if s.has(field) && (provider == "gcp" || provider == "azure") {
			d.report(CodeEncryption, s.key(field), fmt.Sprintf("%s is given with provider %s", field, provider),
				"customer managed keys are available on aws only", Related{"provider", s.key("provider")})
		}
	}
	if s.has("transparentDataEncryptionKeyId") && s.settings["hasTransparentDataEncryption"].value == false {
		d.report(CodeEncryption, s.key("transparentDataEncryptionKeyId"),
			"transparentDataEncryptionKeyId is given without transparent data encryption",
			"write hasTransparentDataEncryption: true, or leave the key out",
			Related{"hasTransparentDataEncryption", s.key("hasTransparentDataEncryption")})
	}
}

// checkCoreDumps: what the organization forbids, no service may do (FACTS 4).
func (d *draft) checkCoreDumps(s object) {
	organization := d.scalars["enableCoreDumps"]
	if organization.value == false && s.settings["enableCoreDumps"].value == true && !s.absent() {
		d.report(CodeCoreDumps, s.value("enableCoreDumps").pos(), "enableCoreDumps is true on a service of an organization that forbids it",
			"the organization's false holds for every service", Related{"forbidden here", organization.in.key("enableCoreDumps")})
	}
}

// checkEndpoints: where the registry of endpoints is declared, services attach only what is in it, of their own provider and
// region (FACTS 4.2).
func (d *draft) checkEndpoints(s object, endpoints map[string][]entry) {
	ids := s.list("privateEndpointIds")
	d.checkDistinct(ids, s.value("privateEndpointIds"), "private endpoint", idList)
	if _, declared := d.declared["privateEndpoints"]; !declared || !d.complete || s.absent() {
		return
	}
	for i, id := range ids {
		name, _ := id.(string)
		if name == "" {
			continue
		}
		pos := s.value("privateEndpointIds", i).pos()
		present := slices.DeleteFunc(slices.Clone(endpoints[name]), entry.absent)
		switch {
		case len(endpoints[name]) == 0:
			d.report(CodeUnknownEndpoint, pos, fmt.Sprintf("private endpoint %s is not in spec.privateEndpoints", quoted(name)),
				d.suggest(name, values(d.entries["privateEndpoints"], "id")))
		case len(present) == 0:
			d.report(CodeUnknownEndpoint, pos, fmt.Sprintf("private endpoint %s is declared absent", quoted(name)), "detach it, or keep the endpoint")
		case !slices.ContainsFunc(present, s.reaches):
			d.reportElsewhere(s, name, pos, present)
		}
	}
}

// reaches reports whether a service may attach an endpoint, as far as the manifests say where both are.
func (s object) reaches(endpoint entry) bool {
	fits := func(own, other string) bool { return own == "" || other == "" || own == other }
	return fits(s.text("provider"), text(endpoint.tree, "cloudProvider")) && fits(s.text("region"), text(endpoint.tree, "region"))
}

func (d *draft) reportElsewhere(s object, id string, pos Pos, endpoints []entry) {
	var places []string
	var related []Related
	for _, e := range endpoints {
		places = append(places, text(e.tree, "cloudProvider")+"/"+text(e.tree, "region"))
		related = append(related, Related{"declared here", e.at("id").pos()})
	}
	own := strings.Trim(s.text("provider")+"/"+s.text("region"), "/")
	d.report(CodeUnknownEndpoint, pos, fmt.Sprintf("private endpoint %s is declared for %s, and the service is in %s", quoted(id), strings.Join(places, " and "), own),
		"a service attaches endpoints of its own provider and region", related...)
}

// serviceNames are the names that the API is known to take; its document allows letters, digits and spaces only (FACTS 5.1).
var serviceNames = regexp.MustCompile(`^[A-Za-z0-9 ._-]+$`)

func (d *draft) checkServiceNames() {
	for _, s := range d.objects["services"] {
		name := text(s.tree, "name")
		if name != "" && !s.absent() && !serviceNames.MatchString(CanonicalName(name)) && !template.MatchString(name) {
			d.warn(CodeDoubtful, s.at("name").pos(), fmt.Sprintf("the API may refuse the service name %s", quoted(name)),
				"letters, digits, spaces, dots, hyphens and underscores are known to work")
		}
	}
}
