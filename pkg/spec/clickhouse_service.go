package spec

import "slices"

// NonceTag is the key of the tag that a service carries from its creation until the last step of it: the journal on the
// server by which any later run finds a half-made service. It is never part of a tree.
const NonceTag = "orgctl-op"

// Nonce is the element of Kind.Journal that bears a nonce.
func Nonce(nonce string) Tree { return Tree{"key": NonceTag, "value": nonce} }

// NonceOf gives the nonce that an element of a list bears.
func NonceOf(element any) (nonce string, ok bool) {
	if text(element, "key") != NonceTag {
		return "", false
	}
	tag, _ := element.(Tree)
	nonce, ok = tag["value"].(string)
	return nonce, ok
}

// serviceKind is a ClickHouse service (FACTS 5). Field names are the API's own, except warehouse, which names the primary
// service instead of a dataWarehouseId.
var serviceKind = &Kind{
	Name:       "service",
	Collection: "services",
	Fields: []Field{
		{Path: "name", Equal: equalName},
		{Path: "provider", Immutable: true},
		{Path: "region", Immutable: true},
		{Path: "tier", Immutable: true},
		{Path: "byocId", Immutable: true},
		{Path: "warehouse", Immutable: true, Ref: "service", Root: true, Shares: location},
		{Path: "isReadonly", Immutable: true, Default: false},
		{Path: "backupId", Immutable: true, Unread: true},
		{Path: "profile", Immutable: true},
		{Path: "complianceType", Immutable: true},
		{Path: "encryptionKey", Immutable: true},
		{Path: "encryptionAssumedRoleIdentifier", Immutable: true},
		{Path: "hasTransparentDataEncryption", Immutable: true, Default: false},
		{Path: "privatePreviewTermsChecked", Immutable: true, Unread: true},
		{Path: "transparentDataEncryptionKeyId"},
		{Path: "state", Shown: true, Disrupts: always, OutOfUse: "stopped"},
		{Path: "releaseChannel"},
		{Path: "autoscalingMode", Size: true, Disrupts: always, Implied: replicaFields},
		{Path: "minReplicaMemoryGb", Size: true, Disrupts: always},
		{Path: "maxReplicaMemoryGb", Size: true, Disrupts: always},
		{Path: "numReplicas", Size: true, Disrupts: fewer},
		{Path: "minReplicas", Size: true, Disrupts: fewer},
		{Path: "maxReplicas", Size: true, Disrupts: fewer},
		{Path: "idleScaling"},
		{Path: "idleTimeoutMinutes", Equal: equalRounded, Idle: func(service Tree) bool { return service["idleScaling"] == false }},
		{Path: "ipAccessList", List: ipList, Missing: "write ipAccessList: [] if nobody may connect yet"},
		{Path: "privateEndpointIds", List: idList, Ref: "privateEndpoint", RefName: registration, Attaches: true},
		{Path: "tags", List: tagList, Label: true},
		{Path: "endpoints", List: protocolList},
		{Path: "enableCoreDumps"},
		{
			Path: "backupConfiguration.backupPeriodInHours", Detail: true, Nullable: true, Default: int64(24),
			Along: "a start time alone would reset it",
		},
		{Path: "backupConfiguration.backupRetentionPeriodInHours", Detail: true, Nullable: true, Default: int64(24)},
		{Path: "backupConfiguration.backupStartTime", Detail: true, Nullable: true},
	},
	ToCreate: []string{"provider", "region", "ipAccessList"},
	Secret:   hasUsers,
	Journal:  "tags",
	Leave:    "a service is deleted with its data, which has to be allowed by its name",
	Quota:    "services-per-organization",
	Defaults: "serviceDefaults",
	Needs:    serviceNeeds,
	Align:    alignService,
	Conflict: serviceConflict,
	Caution:  serviceCaution,
	inherit:  serviceInherits,
}

// hasUsers reports whether a service has users of its own, and with them the password of the first: a secondary shares those of
// its primary (FACTS 5.9).
func hasUsers(service Tree) bool { return service["warehouse"] == nil }

// location is where a service is. The services of a warehouse are in one place (FACTS 5.12).
var location = []string{"provider", "region"}

// serviceNeeds: a service in an account of one's own, or of a varying number of replicas, says how large they are (FACTS 5.1,
// 5.7.1), and only a service that has an encryption has a key of it.
func serviceNeeds(desired Tree) []Need {
	var with string
	mode, _ := desired["autoscalingMode"].(string)
	low, isLow := Number(desired["minReplicas"])
	high, isHigh := Number(desired["maxReplicas"])
	switch {
	case desired["byocId"] != nil:
		with = "byocId"
	case mode == "horizontal", mode == "" && isLow && isHigh && low != high:
		with = "a varying number of replicas"
	}
	var needs []Need
	for _, bound := range []string{"minReplicaMemoryGb", "maxReplicaMemoryGb"} {
		if with != "" && desired[bound] == nil {
			needs = append(needs, Need{bound, with})
		}
	}
	if desired["transparentDataEncryptionKeyId"] != nil && desired["hasTransparentDataEncryption"] != true {
		needs = append(needs, Need{"hasTransparentDataEncryption", "transparentDataEncryptionKeyId"})
	}
	return needs
}

// serviceConflict finds what the API refuses of a pair of fields of which a manifest may manage only one.
func serviceConflict(merged Tree) (path, problem, hint string) {
	start, _ := Get(merged, "backupConfiguration.backupStartTime")
	period, _ := Get(merged, "backupConfiguration.backupPeriodInHours")
	if hours, ok := Number(period); ok && start != nil && hours != 24 && hours != 48 {
		return "backupConfiguration.backupPeriodInHours",
			"is " + FormatValue(period) + " while backups have the start time " + FormatValue(start) + ", which allows 24 or 48 hours only",
			"declare backupStartTime: null to clear it, or another period"
	}
	for _, bounds := range [][2]string{{"minReplicaMemoryGb", "maxReplicaMemoryGb"}, {"minReplicas", "maxReplicas"}} {
		low, lowOK := Number(merged[bounds[0]])
		high, highOK := Number(merged[bounds[1]])
		if lowOK && highOK && low > high {
			return bounds[0], "would be above " + bounds[1] + ": " + FormatValue(merged[bounds[0]]) + " > " + FormatValue(merged[bounds[1]]),
				"declare both"
		}
	}
	if merged["transparentDataEncryptionKeyId"] != nil && merged["hasTransparentDataEncryption"] == false {
		return "transparentDataEncryptionKeyId", "is given and the service has no transparent data encryption",
			"leave it out: the encryption is set at creation only"
	}
	return "", "", ""
}

// serviceCaution: a password opens MySQL only if its hash for MySQL was set along with it (FACTS 5.9), which is done at a
// creation that declares MySQL. The services of a warehouse share the users of its primary.
func serviceCaution(before, after Tree) (path, message, hint string) {
	if !speaksMySQL(after) || speaksMySQL(before) {
		return "", "", ""
	}
	return "endpoints", "switches MySQL on, where the password of the user default may not work: it does only if it was set with its hash for MySQL",
		"test it; if it is refused, reset the password in the console (of the primary service) and store the new one, since every client of the user needs it"
}

func speaksMySQL(t Tree) bool {
	endpoints, _ := t["endpoints"].([]any)
	return slices.ContainsFunc(endpoints, func(e any) bool { return text(e, "protocol") == "mysql" && enabled(e) })
}

func enabled(endpoint any) bool {
	t, _ := endpoint.(Tree)
	return t["enabled"] == true
}

// alignService absorbs that a server reports one state in several shapes.
func alignService(desired, live Tree) {
	alignScaling(desired, live)
	alignEndpoints(desired, live)
	alignBackups(desired, live)
}

// alignBackups: setting a start time alone resets the period (FACTS 5.10), so that the live one goes along where a manifest does
// not manage it.
func alignBackups(desired, live Tree) {
	const startTime, period = "backupConfiguration.backupStartTime", "backupConfiguration.backupPeriodInHours"
	start, _ := Get(desired, startTime)
	now, _ := Get(live, startTime)
	hours, known := Get(live, period)
	if _, managed := Get(desired, period); start != nil && start != now && known && !managed {
		Put(desired, period, hours)
	}
}

// alignEndpoints: a protocol that is not named, by a manifest that manages the list or by a server, is switched off
// (FACTS 5.8). Naming it on both sides lets the difference be seen, and be sent.
func alignEndpoints(desired, live Tree) {
	want, managed := desired["endpoints"].([]any)
	if !managed {
		return
	}
	have, _ := live["endpoints"].([]any)
	desired["endpoints"], live["endpoints"] = switchedOff(want, have), switchedOff(have, want)
}

// switchedOff adds to a list of protocols those that only another names, as switched off.
func switchedOff(list, others []any) []any {
	out := slices.Clone(list)
	for _, other := range others {
		protocol := text(other, "protocol")
		if !slices.ContainsFunc(list, func(e any) bool { return text(e, "protocol") == protocol }) {
			out = append(out, Tree{"protocol": protocol, "enabled": false})
		}
	}
	return out
}

// alignScaling absorbs the mode-shaped reads of FACTS 5.7: which replica fields are reported depends on the autoscaling mode.
func alignScaling(desired, live Tree) {
	minimum, hasMin := desired["minReplicas"]
	maximum, hasMax := desired["maxReplicas"]
	_, hasCount := desired["numReplicas"]
	mode, _ := desired["autoscalingMode"].(string)
	liveMode, _ := live["autoscalingMode"].(string)
	switch {
	case hasMin && hasMax && minimum == maximum && mode != "horizontal" && (mode == "vertical" || liveMode != "horizontal"):
		// A band of one width is accepted as a count and reads back as one.
		asCount(desired)
		asCount(live)
		hasCount = true
	case hasMin && hasMax && mode == "" && minimum != maximum:
		desired["autoscalingMode"] = "horizontal"
	}
	if hasCount && mode == "" {
		desired["autoscalingMode"] = "vertical"
	}
	if live["autoscalingMode"] == nil && desired["autoscalingMode"] == "vertical" {
		// The old API knows one mode only and does not name it.
		delete(desired, "autoscalingMode")
	}
	// With idling off the timeout is meaningless in replies and refused in requests.
	idling, managed := desired["idleScaling"]
	if !managed {
		idling = live["idleScaling"]
	}
	if idling == false {
		delete(desired, "idleTimeoutMinutes")
	}
}

// asCount turns a band of replicas of one width into their number.
func asCount(t Tree) {
	if minimum, ok := t["minReplicas"]; ok && minimum == t["maxReplicas"] {
		t["numReplicas"] = minimum
		delete(t, "minReplicas")
		delete(t, "maxReplicas")
	}
}
