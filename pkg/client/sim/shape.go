package sim

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// newerFields are the fields that the old API document does not have, by object.
var newerFields = map[string][]string{
	"organization": {"byocConfig", "enableCoreDumps"},
	"service":      append([]string{"minReplicaMemoryGb", "maxReplicaMemoryGb"}, newerServiceFields...),
	// The old replica scaling endpoint is the one place where the old API shows memory by replica.
	"scaledService": newerServiceFields,
	"endpoint":      {"username"},
	"backup":        {"backupName", "bucket"},
	"key":           {"assignedRoles", "ipAccessList"},
	"member":        {"assignedRoles", "email"},
	"invitation":    {"assignedRoles"},
	"activity":      {"userAgent", "targetKeyId", "keyUpdateType"},
}

var newerServiceFields = []string{
	"clickhouseVersion", "autoscalingMode", "minReplicas", "maxReplicas", "replicaMemoryGb", "currentScaling",
	"availablePrivateEndpointIds", "isReadonly", "releaseChannel", "byocId", "hasTransparentDataEncryption", "profile",
	"transparentDataEncryptionKeyId", "encryptionRoleId", "complianceType", "tags", "enableCoreDumps",
}

// shape gives a result the form that OldAPI, FloatNumbers and FutureFields ask for. object says what the result, or each of
// its elements, or a member of it by that name, is.
func (c Config) shape(result any, object string) (any, error) {
	if !c.OldAPI && !c.FloatNumbers && !c.FutureFields {
		return result, nil
	}
	text, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	c.shapeObjects(tree, object)
	if c.FloatNumbers {
		tree = withFractions(tree)
	}
	return tree, nil
}

func (c Config) shapeObjects(tree any, object string) {
	switch v := tree.(type) {
	case []any:
		for _, element := range v {
			c.shapeObjects(element, object)
		}
	case map[string]any:
		if inner, wrapped := v[object]; wrapped {
			c.shapeObjects(inner, object) // the replies to creates wrap their object
			return
		}
		if c.OldAPI {
			toOldShape(v, object)
		}
		if c.FutureFields {
			v["fieldOfTheFuture"] = map[string]any{"enabled": true}
			if endpoints, ok := v["endpoints"].([]any); ok {
				v["endpoints"] = append(endpoints, map[string]any{"protocol": "protocol-of-the-future", "host": "future.invalid", "port": json.Number("1")})
			}
			if object == "activity" {
				v["type"] = "activity_of_the_future"
			}
		}
	}
}

func toOldShape(v map[string]any, object string) {
	for name := range v {
		if slices.Contains(newerFields[object], name) {
			delete(v, name)
		}
	}
	if primary, ok := v["isPrimary"].(bool); ok {
		v["isPrimary"] = strconv.FormatBool(primary)
	}
	if endpoints, ok := v["endpoints"].([]any); ok {
		for _, e := range endpoints {
			if endpoint, ok := e.(map[string]any); ok {
				toOldShape(endpoint, "endpoint")
			}
		}
	}
}

// withFractions writes every integer with a fraction.
func withFractions(tree any) any {
	switch v := tree.(type) {
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return json.Number(v.String() + ".0")
		}
	case []any:
		for i := range v {
			v[i] = withFractions(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = withFractions(v[name])
		}
	}
	return tree
}
