package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim/openapitest"
	"github.com/orgctl/orgctl/pkg/spec"
)

// coveragePage is what docs/coverage.md is made from: the operations and fields that there are, and what orgctl does with them.
var coveragePage = filepath.Join(repository, "docs", "coverage.md")

// organizationPath is what the page writes as "…".
const organizationPath = "/v1/organizations/{organizationId}"

// use is what orgctl does with an operation of the API, or with a field of one.
type use struct{ how, what string }

// The uses, in the order in which the page explains them.
const (
	isManaged   = "managed"
	isReadable  = "readable"
	isOperation = "operation"
	isOutside   = "out of scope"
)

func managed(what ...string) use    { return use{isManaged, "`" + strings.Join(what, "`, `") + "`"} }
func readableBy(command string) use { return use{isReadable, "`" + command + "`"} }
func operation(act string) use      { return use{isOperation, act} }
func outside(reason string) use     { return use{isOutside, reason} }

// operationUses say what is done with each operation; the first that matches counts. * stands for any characters.
var operationUses = []struct {
	pattern string
	use     use
}{
	{"GET /v1/organizations", readableBy("orgctl get organization")},
	{"GET …", readableBy("orgctl get organization")},
	{"PATCH …", managed("organization", "privateEndpoint")},
	{"GET …/prometheus", readableBy("orgctl get metrics")},
	{"GET …/privateEndpointConfig", readableBy("orgctl get private-endpoint-config --provider aws --region us-east-1")},
	{"GET …/activities", readableBy("orgctl get activities")},
	{"GET …/activities/{activityId}", readableBy("orgctl get activity ID")},
	{"GET …/quotas", readableBy("orgctl get quotas")},
	{"GET …/quotas/{quotaCode}", readableBy("orgctl get quota services-per-organization")},
	{"GET …/usageCost", readableBy("orgctl get usage-cost")},
	{"GET …/roles", readableBy("orgctl get roles")},
	{"GET …/roles/{roleId}", readableBy("orgctl get role Admin")},
	{"* …/roles*", outside("roles are made in the console; manifests assign them by name")},

	{"GET …/services", readableBy("orgctl get services")},
	{"POST …/services", managed("service")},
	{"GET …/services/{serviceId}", readableBy("orgctl get service orders")},
	{"PATCH …/services/{serviceId}", managed("service")},
	{"DELETE …/services/{serviceId}", managed("service")},
	{"PATCH …/services/{serviceId}/state", managed("service.state")},
	{"PATCH …/services/{serviceId}/replicaScaling", managed("service")},
	{"PATCH …/services/{serviceId}/scaling", outside("deprecated: " + byReplica)},
	{"PATCH …/services/{serviceId}/password", operation("`orgctl apply` sets one where it finishes a creation that was interrupted, or makes a service with MySQL")},
	{"GET …/services/{serviceId}/privateEndpointConfig", readableBy("orgctl get private-endpoint-config orders")},
	{"POST …/services/{serviceId}/privateEndpoint", outside("registers an endpoint and attaches it in one: `privateEndpoint` and `service.privateEndpointIds` are managed each by itself ([decision 5](adr/0005-private-endpoints-are-a-kind.md))")},
	{"GET …/services/{serviceId}/prometheus", readableBy("orgctl get metrics orders")},
	{"GET …/services/{serviceId}/backups", readableBy("orgctl get backups orders")},
	{"GET …/services/{serviceId}/backups/{backupId}", readableBy("orgctl get backup orders ID")},
	{"GET …/services/{serviceId}/backupConfiguration", readableBy("orgctl get backup-configuration orders")},
	{"PATCH …/services/{serviceId}/backupConfiguration", managed("service.backupConfiguration")},
	{"GET …/services/{serviceId}/backupBucket", readableBy("orgctl get backup-bucket orders")},
	{"* …/services/{serviceId}/backupBucket", outside("beta, and takes secrets that cannot be read back")},
	{"GET …/services/{serviceId}/serviceQueryEndpoint", readableBy("orgctl get query-endpoint orders")},
	{"* …/services/{serviceId}/serviceQueryEndpoint", outside("not yet: who may send queries over HTTP to a service")},
	{"* …/services/{serviceId}/scalingSchedule", outside("beta, and not for every organization; what it sets for a while is never drift")},
	{"GET …/services/{serviceId}/upgradeWindow", readableBy("orgctl get upgrade-window orders")},
	{"* …/services/{serviceId}/upgradeWindow", outside("not for every organization")},
	{"GET …/services/{serviceId}/clickhouseSettings", readableBy("orgctl get settings orders")},
	{"GET …/services/{serviceId}/clickhouseSettings/{settingName}", readableBy("orgctl get setting orders compatibility")},
	{"* …/services/{serviceId}/clickhouseSettings*", outside("beta: settings of the database, not of the organization")},

	{"GET …/keys", readableBy("orgctl get keys")},
	{"POST …/keys", managed("key")},
	{"GET …/keys/{keyId}", readableBy("orgctl get key ci")},
	{"PATCH …/keys/{keyId}", managed("key")},
	{"DELETE …/keys/{keyId}", managed("key")},
	{"GET …/members", readableBy("orgctl get members")},
	{"GET …/members/{userId}", readableBy("orgctl get member ana@example.com")},
	{"PATCH …/members/{userId}", managed("member.roles")},
	{"DELETE …/members/{userId}", managed("member")},
	{"GET …/invitations", readableBy("orgctl get invitations")},
	{"POST …/invitations", managed("invitation")},
	{"GET …/invitations/{invitationId}", readableBy("orgctl get invitation ben@example.com")},
	{"DELETE …/invitations/{invitationId}", managed("invitation")},

	{"* …/byocInfrastructure*", outside("infrastructure in an account of your own is set up together with the vendor")},
	{"* …/services/{serviceId}/clickpipes*", outside("ClickPipes: what flows into a service, not the organization")},
	{"* …/services/{serviceId}/clickstack/*", outside("ClickStack: dashboards and alerts inside a service")},
	{"* …/postgres*", outside("managed Postgres, a product of its own")},
	{"* …/udf*", outside("user-defined functions: code that runs in services")},
}

const byReplica = "`PATCH …/services/{serviceId}/replicaScaling` does the same by replica"

// fieldUses say what is done with each field that an operation takes; the first that matches counts. In the name of what is
// managed, $ stands for the field up to where it becomes a list.
var fieldUses = []struct {
	operations, fields string
	use                use
}{
	{"PATCH …", "privateEndpoints.remove[].description", outside("what goes is told by the rest")},
	{"PATCH …", "privateEndpoints.*[].id", managed("privateEndpoint.id")},
	{"PATCH …", "privateEndpoints.*[].cloudProvider", managed("privateEndpoint.cloudProvider")},
	{"PATCH …", "privateEndpoints.*[].region", managed("privateEndpoint.region")},
	{"PATCH …", "privateEndpoints.*[].description", managed("privateEndpoint.description")},
	{"PATCH …", "*", managed("organization.$")},

	{"POST …/services", "m*TotalMemoryGb", outside("deprecated: the size is managed by replica")},
	{"POST …/services", "privateEndpointIds", outside("deprecated: endpoints are attached once the service is there")},
	{"POST …/services", "dataWarehouseId", managed("service.warehouse")},
	{"PATCH …/services/{serviceId}/state", "command", managed("service.state")},
	{"PATCH …/services/{serviceId}/password", "*", operation("the hash of a password of orgctl's own making, which is stored before")},
	{"PATCH …/services/{serviceId}/backupConfiguration", "*", managed("service.backupConfiguration.$")},
	{"* …/services*", "*", managed("service.$")},

	{"POST …/keys", "hashData.keyIdSuffix", operation("the end of the new key's id, by which the API shows it")},
	{"POST …/keys", "hashData.*", operation("the hash of a secret of orgctl's own making, which is stored before")},
	{"* …/keys*", "assignedRoleIds", managed("key.roles")},
	{"* …/keys*", "*", managed("key.$")},
	{"PATCH …/members/{userId}", "*", managed("member.roles")},
	{"POST …/invitations", "email", managed("invitation.email")},
	{"POST …/invitations", "*", managed("invitation.roles")},
}

// TestCoverage holds docs/coverage.md to the vendor's document: everything that it has is on the page, and the page has nothing
// else. Where ORGCTL_OPENAPI names no document, the page itself says what there is, and is held to the uses above. With -update
// the page is written anew.
func TestCoverage(t *testing.T) {
	page := readCoverage(t)
	operations := operationsOfPage(page)
	if document := os.Getenv("ORGCTL_OPENAPI"); document != "" {
		check, err := openapitest.Load(document)
		if err != nil {
			t.Fatal(err)
		}
		operations = nil
		for _, op := range check.Operations() {
			operations = append(operations, coveredOperation{op.Method + " " + strings.Replace(op.Template, organizationPath, "…", 1), op.Fields})
		}
	}
	want := renderCoverage(t, operations)
	if *update && !t.Failed() {
		if err := os.WriteFile(coveragePage, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(page, "\n")); diff != "" {
		t.Errorf("%s is not what the API has and orgctl does (-want +have); go test ./cmd/orgctl -run TestCoverage -update writes it:\n%s", coveragePage, diff)
	}
}

func readCoverage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(coveragePage)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// coveredOperation is an operation as the page names it, with the fields that it takes.
type coveredOperation struct {
	name   string
	fields []string
}

// Rows of the page: of an operation, the heading above fields, and of a field.
var (
	operationRow = regexp.MustCompile("^\\| `([A-Z]+ [^`]+)` \\| (?:" + strings.Join([]string{isManaged, isReadable, isOperation, isOutside}, "|") + ") \\|")
	fieldHeading = regexp.MustCompile("^### `([A-Z]+ [^`]+)`$")
	fieldRow     = regexp.MustCompile("^\\| `([^` ]+)` \\|")
)

// operationsOfPage reads back what renderCoverage writes.
func operationsOfPage(page string) []coveredOperation {
	var all []coveredOperation
	at := -1
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		if row := operationRow.FindStringSubmatch(line); row != nil {
			all = append(all, coveredOperation{name: row[1]})
		} else if heading := fieldHeading.FindStringSubmatch(line); heading != nil {
			at = slices.IndexFunc(all, func(op coveredOperation) bool { return op.name == heading[1] })
		} else if row := fieldRow.FindStringSubmatch(line); row != nil && at >= 0 {
			all[at].fields = append(all[at].fields, row[1])
		}
	}
	return all
}

// covered are operations and their fields with what is done with them.
type covered struct {
	operations []coveredOperation
	uses       map[string]use            // by operation
	fields     map[string]map[string]use // by operation and field, of those that are written
}

// coverage looks up what is done with everything. What nothing is said about, and what is said about nothing, is an error.
func coverage(t *testing.T, operations []coveredOperation) *covered {
	t.Helper()
	c := &covered{operations, map[string]use{}, map[string]map[string]use{}}
	said := map[string]bool{}
	for _, op := range operations {
		for _, u := range operationUses {
			if globbing(u.pattern).MatchString(op.name) {
				c.uses[op.name], said[u.pattern] = u.use, true
				break
			}
		}
		how := c.uses[op.name].how
		if how == "" {
			t.Errorf("operationUses say nothing of %s", op.name)
		}
		if how != isManaged && how != isOperation {
			continue
		}
		c.fields[op.name] = map[string]use{}
		for _, field := range op.fields {
			for _, u := range fieldUses {
				if globbing(u.operations).MatchString(op.name) && globbing(u.fields).MatchString(field) {
					root, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(field, ".add"), ".remove"), ".")
					c.fields[op.name][field] = use{u.use.how, strings.ReplaceAll(u.use.what, "$", strings.TrimSuffix(root, "[]"))}
					said[u.operations+" "+u.fields] = true
					break
				}
			}
			if c.fields[op.name][field].how == "" {
				t.Errorf("fieldUses say nothing of %s of %s", field, op.name)
			}
		}
	}
	for _, u := range operationUses {
		if !said[u.pattern] {
			t.Errorf("there is no operation %s", u.pattern)
		}
	}
	for _, u := range fieldUses {
		if !said[u.operations+" "+u.fields] {
			t.Errorf("there is no field %s of %s", u.fields, u.operations)
		}
	}
	return c
}

// kindAndField are those of a name such as `service.tags`.
var kindAndField = regexp.MustCompile("`([A-Za-z]+)(?:\\.([A-Za-z.]+))?`")

// checkNames holds the names of what is managed to the table of kinds: each is there, and each field is written by something.
func (c *covered) checkNames(t *testing.T) {
	t.Helper()
	written := map[string]bool{}
	check := func(where string, u use) {
		if u.how != isManaged {
			return
		}
		for _, name := range kindAndField.FindAllStringSubmatch(u.what, -1) {
			kind := spec.ClickHouse.Kind(name[1])
			isField := kind != nil && slices.ContainsFunc(kind.Fields, func(f spec.Field) bool {
				return name[2] == "" || f.Path == name[2] || strings.HasPrefix(f.Path, name[2]+".")
			})
			if !isField {
				t.Errorf("%s: manifests have no %s", where, name[0])
			}
			written[name[1]+"."+name[2]] = true
		}
	}
	for op, u := range c.uses {
		check(op, u)
		for field, u := range c.fields[op] {
			check(op+" "+field, u)
		}
	}
	for _, kind := range spec.ClickHouse.Kinds {
		for _, f := range kind.Fields {
			name := kind.Name + "." + f.Path
			if !written[name] && name != "member.email" { // nothing writes that
				t.Errorf("no field of the API is %s", name)
			}
		}
	}
}

func renderCoverage(t *testing.T, operations []coveredOperation) []byte {
	t.Helper()
	c := coverage(t, operations)
	c.checkNames(t)
	number := map[string]int{}
	for _, u := range c.uses {
		number[u.how]++
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, coverageHead, len(operations), number[isManaged], number[isReadable], number[isOperation], number[isOutside])
	b.WriteString("\n## Operations\n\n| operation | use | what |\n|---|---|---|\n")
	for _, op := range operations {
		u := c.uses[op.name]
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", op.name, u.how, u.what)
	}
	b.WriteString("\n## Fields\n\nOf what is sent, every field. `remove` and `add` are the two lists by which the API changes one.\n")
	for _, op := range operations {
		if len(c.fields[op.name]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n| field | use | what |\n|---|---|---|\n", op.name)
		for _, field := range slices.Sorted(maps.Keys(c.fields[op.name])) {
			u := c.fields[op.name][field]
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", field, u.how, u.what)
		}
	}
	b.WriteString("\n## Where orgctl began\n\nThe documents that it was made from, each endpoint with the command that reaches it. All are tried against the [sandbox](sandbox.md).\n")
	for _, o := range origins {
		fmt.Fprintf(&b, "\n### %s\n\n| endpoint | command |\n|---|---|\n", o.title)
		for _, e := range o.endpoints(c) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", e.name, e)
		}
	}
	return b.Bytes()
}

const coverageHead = `# What of the API orgctl covers

Made by ` + "`go test ./cmd/orgctl -run TestCoverage -update`" + ` from the vendor's OpenAPI document. CI fails when that has something that this
page lacks, or lacks something that it has; and a test makes every command and every write that it names, against the
[sandbox](sandbox.md).

Of the %d operations of ClickHouse Cloud, %d are **managed**: ` + "`orgctl apply`" + ` sends them, for the kind or field of the [manifest](manifest.md) that is named.
%d are **readable**, by the command that is named. %d is an **operation**: something that a command does on purpose and no field of
a manifest says. %d are **out of scope**, for the reason that is given. ` + "`…`" + ` stands for
` + "`/v1/organizations/{organizationId}`" + `. [Locktera's](locktera.md) have no such document; they are [at the end](#where-orgctl-began).
`
