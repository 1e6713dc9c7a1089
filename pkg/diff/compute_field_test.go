package diff_test

import (
	"testing"
)

func TestFields(t *testing.T) {
	runStates(t, []state{
		{
			name: "equality is the server's",
			desired: `
spec:
  services:
    - name: orders
      state: running
      ipAccessList: [{source: 192.0.2.1, description: ""}, {source: 198.51.100.0/24}]
      tags: [{key: b}, {key: a, value: x}]
      endpoints: [{protocol: mysql, enabled: true}]
  keys: [{name: ci, roles: [DEVELOPER, admin], expireAt: 2027-01-01T02:00:00+02:00}]`,
			live: `
services:
  - name: orders
    state: running
    ipAccessList: [{source: 198.51.100.0/24, description: ""}, {source: 192.0.2.1/32}]
    tags: [{key: a, value: x}, {key: b, value: ""}]
    endpoints: [{protocol: mysql, enabled: true}]
keys: [{name: ci, roles: [Admin, Developer], expireAt: "2027-01-01T00:00:00Z"}]`,
		},
		{
			name: "what the server rounds is equal",
			desired: `
spec:
  services: [{name: a, idleTimeoutMinutes: 5.5}, {name: b, idleTimeoutMinutes: 5.5}, {name: c, idleTimeoutMinutes: 5.5}]
  keys:
    - {name: seconds, expireAt: 2027-01-01T00:00:00.6Z}
    - {name: up, expireAt: 2027-01-01T00:00:00.6Z}
    - {name: milliseconds, expireAt: 2027-01-01T01:00:00.123456+01:00}
    - {name: nanoseconds, expireAt: 2027-01-01T00:00:00.123456789Z}`,
			live: `
services: [{name: a, idleTimeoutMinutes: 5}, {name: b, idleTimeoutMinutes: 6}, {name: c, idleTimeoutMinutes: 5.5}]
keys:
  - {name: seconds, expireAt: "2027-01-01T00:00:00Z"}
  - {name: up, expireAt: "2027-01-01T00:00:01Z"}
  - {name: milliseconds, expireAt: "2027-01-01T00:00:00.123Z"}
  - {name: nanoseconds, expireAt: "2027-01-01T00:00:00.123456789Z"}`,
		},
		{
			name: "what the server could hold is not",
			desired: `
spec:
  services: [{name: a, idleTimeoutMinutes: 5.5}, {name: b, idleTimeoutMinutes: 5}, {name: c, idleTimeoutMinutes: 5.5}]
  keys:
    - {name: later, expireAt: 2027-01-01T00:00:00.6Z}
    - {name: milliseconds, expireAt: 2027-01-01T00:00:00.123456Z}
    - {name: nanoseconds, expireAt: 2027-01-01T00:00:00.123456789Z}
    - {name: whole, expireAt: 2027-01-01T00:00:00Z}`,
			live: `
services: [{name: a, idleTimeoutMinutes: 7}, {name: b, idleTimeoutMinutes: 6}, {name: c, idleTimeoutMinutes: 5.4}]
keys:
  - {name: later, expireAt: "2027-01-01T00:00:02Z"}
  - {name: milliseconds, expireAt: "2027-01-01T00:00:00.125Z"}
  - {name: nanoseconds, expireAt: "2027-01-01T00:00:00.123456788Z"}
  - {name: whole, expireAt: "2027-01-01T00:00:00.5Z"}`,
			want: []string{
				"update service/a: idleTimeoutMinutes 7 -> 5.5",
				"update service/b: idleTimeoutMinutes 6 -> 5",
				"update service/c: idleTimeoutMinutes 5.4 -> 5.5",
				`update key/nanoseconds: expireAt "2027-01-01T00:00:00.123456788Z" -> "2027-01-01T00:00:00.123456789Z"`,
				`update key/later: expireAt "2027-01-01T00:00:02Z" -> "2027-01-01T00:00:00.6Z" after service/a, service/b, service/c, key/nanoseconds`,
				`update key/milliseconds: expireAt "2027-01-01T00:00:00.125Z" -> "2027-01-01T00:00:00.123456Z" after key/later`,
				`update key/whole: expireAt "2027-01-01T00:00:00.5Z" -> "2027-01-01T00:00:00Z" after key/later`,
			},
		},
		{
			name: "lists change by element, in the server's spelling where something goes",
			desired: `
spec:
  services:
    - name: orders
      ipAccessList: [{source: 192.0.2.1, description: vpn}, {source: 198.51.100.0/24}]
      tags: [{key: team, value: b}]`,
			live: `
services:
  - name: orders
    ipAccessList: [{source: 192.0.2.1/32, description: old}, {source: 192.0.2.1, description: older}, {source: 203.0.113.9/32}]
    tags: [{key: team, value: a}, {key: tmp}]`,
			want: []string{
				`update service/orders: ipAccessList ` +
					`-[{description: "old", source: "192.0.2.1/32"}, {description: "older", source: "192.0.2.1"}, {source: "203.0.113.9/32"}] ` +
					`+[{description: "vpn", source: "192.0.2.1"}, {source: "198.51.100.0/24"}]; ` +
					`tags -[{key: "team", value: "a"}, {key: "tmp"}] +[{key: "team", value: "b"}]`,
			},
		},
		{
			name: "null resets, until the default is reported",
			desired: `
spec:
  services:
    - {name: a, backupConfiguration: {backupPeriodInHours: null, backupRetentionPeriodInHours: null, backupStartTime: null}}
    - {name: b, backupConfiguration: {backupPeriodInHours: null, backupRetentionPeriodInHours: null, backupStartTime: null}}
  keys: [{name: a, expireAt: null}, {name: b, expireAt: null}]`,
			live: `
services:
  - {name: a, backupConfiguration: {backupPeriodInHours: 12, backupRetentionPeriodInHours: 48, backupStartTime: "02:00"}}
  - {name: b, backupConfiguration: {backupPeriodInHours: 24, backupRetentionPeriodInHours: 24}}
keys: [{name: a, expireAt: "2027-01-01T00:00:00Z"}, {name: b}]`,
			want: []string{
				`update service/a: backupConfiguration.backupPeriodInHours 12 -> default; ` +
					`backupConfiguration.backupRetentionPeriodInHours 48 -> default; backupConfiguration.backupStartTime "02:00" -> default`,
				`update key/a: expireAt "2027-01-01T00:00:00Z" -> default`,
			},
		},
		{
			name: "scaling: a count is the vertical mode",
			desired: `
spec: {services: [{name: a, numReplicas: 3}, {name: b, numReplicas: 3}, {name: old, numReplicas: 2}]}`,
			live: `
services:
  - {name: a, autoscalingMode: vertical, numReplicas: 2}
  - {name: b, autoscalingMode: horizontal, minReplicas: 2, maxReplicas: 4}
  - {name: old, numReplicas: 2}`,
			want: []string{
				`update service/a: numReplicas 2 -> 3`,
				`update service/b: autoscalingMode "horizontal" -> "vertical"; numReplicas null -> 3`,
			},
		},
		{
			name: "scaling: a band of one width is a count, any other is horizontal",
			desired: `
spec:
  services:
    - {name: a, minReplicas: 3, maxReplicas: 3}
    - {name: b, minReplicas: 2, maxReplicas: 4, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 16}
    - {name: c, minReplicas: 3, maxReplicas: 3, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 16}`,
			live: `
services:
  - {name: a, autoscalingMode: vertical, numReplicas: 3}
  - {name: b, autoscalingMode: vertical, numReplicas: 3, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 16}
  - {name: c, autoscalingMode: horizontal, minReplicas: 2, maxReplicas: 4, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 16}`,
			want: []string{
				`update service/b: autoscalingMode "vertical" -> "horizontal"; minReplicas null -> 2; maxReplicas null -> 4`,
				`update service/c: minReplicas 2 -> 3; maxReplicas 4 -> 3`,
			},
		},
		{
			name: "scaling: a timeout means nothing while idling is off",
			desired: `
spec:
  services:
    - {name: a, idleTimeoutMinutes: 15}
    - {name: b, idleTimeoutMinutes: 15}
    - {name: c, idleScaling: true, idleTimeoutMinutes: 15}`,
			live: `
services:
  - {name: a, idleScaling: false, idleTimeoutMinutes: 5}
  - {name: b, idleScaling: true, idleTimeoutMinutes: 5}
  - {name: c, idleScaling: false}`,
			want: []string{
				`update service/b: idleTimeoutMinutes 5 -> 15`,
				`update service/c: idleScaling false -> true; idleTimeoutMinutes null -> 15`,
			},
		},
	})
}
