package otherapi

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Service is a service, and what hides behind it.
type Service struct {
	ID               string
	Fields           Object // by wire name; what it says of scaling is the configured part
	IPAccessList     []Object
	Tags             []Object
	PrivateEndpoints []string
	MySQL            bool
	Warehouse        string
	Primary          bool
	Backup           Object

	stages       []stage // the present one first
	stoppedAt    time.Time
	passwordHash string
	mysqlHash    string
	readableFrom time.Time
	unseenLists  int
	versions     []version
}

// in says whether the service is where the endpoint is.
func (s *Service) in(endpoint Object) bool {
	return s.Fields["provider"] == endpoint["cloudProvider"] && s.Fields["region"] == endpoint["region"]
}

// NewService is a running service of its own warehouse, for Edit to put into the organization.
func (o *Org) NewService(name string) *Service {
	service := &Service{
		ID: o.newID(), Warehouse: o.newID(), Primary: true, IPAccessList: []Object{},
		Fields: Object{
			"name": name, "provider": "aws", "region": "eu-west-1", "createdAt": time.Now().UTC(), "releaseChannel": "default",
			"autoscalingMode": "vertical", "numReplicas": 3.0, "minReplicaMemoryGb": 24.0, "maxReplicaMemoryGb": 96.0,
			"idleScaling": true, "idleTimeoutMinutes": 15.0, "enableCoreDumps": true, "isReadonly": false, "hasTransparentDataEncryption": false,
		},
		Backup: Object{},
	}
	service.SetState("running")
	return service
}

// Service is the service of the id, or nil.
func (o *Org) Service(id string) *Service {
	at := slices.IndexFunc(o.Services, func(s *Service) bool { return s.ID == id })
	if at < 0 {
		return nil
	}
	return o.Services[at]
}

func (o *Org) primary(warehouse string) *Service {
	for _, service := range o.Services {
		if service.Primary && service.Warehouse == warehouse && !service.gone() {
			return service
		}
	}
	return nil
}

func (o *Org) secondaries(of *Service) int {
	count := 0
	for _, service := range o.Services {
		if of.Primary && service != of && service.Warehouse == of.Warehouse && !service.gone() {
			count++
		}
	}
	return count
}

// keepVersions notes how everything looks that lists or reads may show late.
func (s *Server) keepVersions() {
	now := s.now()
	note := func(versions []version, shape Object) []version {
		if len(versions) > 0 && reflect.DeepEqual(versions[len(versions)-1].shape, shape) {
			return versions
		}
		return append(versions, version{now, deepCopy(shape).(Object)})
	}
	for _, service := range s.org.Services {
		service.versions = note(service.versions, s.shape(service))
	}
	for _, person := range slices.Concat(s.org.Members, s.org.Invitations) {
		person.versions = note(person.versions, s.person(person))
	}
}

// services answers for services and what is below them.
func (c *call) services() (any, error) {
	if len(c.path) == 1 {
		switch c.method {
		case http.MethodGet:
			return c.listServices(), nil
		case http.MethodPost:
			return c.createService()
		}
		return nil, unknown("route")
	}
	service := c.org.Service(c.path[1])
	if service == nil || service.gone() {
		return nil, unknown("instance")
	}
	if c.method == http.MethodGet && c.now.Before(service.readableFrom) {
		return nil, unknown("instance")
	}
	switch c.method + " " + strings.Join(c.path[2:], "/") {
	case "GET ":
		return c.view(service, c.choices.GetLag), nil
	case "PATCH ":
		return c.changing(service, c.patchService)
	case "DELETE ":
		return deleted{}, c.deleteService(service)
	case "PATCH state":
		return c.changing(service, c.command)
	case "PATCH replicaScaling":
		return c.changing(service, c.rescale)
	case "PATCH password":
		return c.setPassword(service)
	case "GET backupConfiguration":
		return c.backup(service)
	case "PATCH backupConfiguration":
		return c.patchBackup(service)
	}
	return nil, unknown("route")
}

func (c *call) listServices() []Object {
	shown := []Object{}
	for _, service := range c.org.Services {
		if service.unseenLists > 0 {
			service.unseenLists--
			continue
		}
		shown = append(shown, c.view(service, c.choices.ListLag))
	}
	return shown
}

// changing carries a change out and answers with the service, as it was or as it has become.
func (c *call) changing(service *Service, change func(*Service) error) (any, error) {
	before := c.view(service, 0)
	if err := change(service); err != nil {
		return nil, err
	}
	if c.choices.StaleReplies {
		return before, nil
	}
	c.keepVersions()
	return c.view(service, 0), nil
}

// view is the service as a read shows it that is so late; its state is never late.
func (c *call) view(service *Service, lag time.Duration) Object {
	shape := c.shape(service)
	if lag > 0 && len(service.versions) > 0 {
		shape = deepCopy(asOf(service.versions, c.now.Add(-lag))).(Object)
	}
	shape["state"] = service.State()
	if c.choices.SparseCreate && !service.up() {
		shape["endpoints"], shape["tags"] = nil, nil
	}
	return shape
}

// shape is the service without its state.
func (s *Server) shape(service *Service) Object {
	f := service.Fields
	shape := Object{"id": service.ID, "dataWarehouseId": service.Warehouse, "isPrimary": service.Primary}
	for _, name := range []string{
		"name", "provider", "region", "createdAt", "releaseChannel", "enableCoreDumps", "isReadonly", "byocId", "encryptionKey",
		"encryptionAssumedRoleIdentifier", "hasTransparentDataEncryption", "transparentDataEncryptionKeyId", "profile", "complianceType",
		"autoscalingMode", "idleScaling", "idleTimeoutMinutes", "minReplicaMemoryGb", "maxReplicaMemoryGb", "numReplicas", "minReplicas", "maxReplicas",
	} {
		shape[name] = f[name]
	}
	if s.choices.TextBooleans {
		shape["isPrimary"] = map[bool]string{true: "true", false: "false"}[service.Primary]
	}
	if f["idleScaling"] == false {
		shape["idleTimeoutMinutes"] = 1.0
	}
	if f["autoscalingMode"] == "vertical" {
		shape["minTotalMemoryGb"], shape["maxTotalMemoryGb"] = 3*f["minReplicaMemoryGb"].(float64), 3*f["maxReplicaMemoryGb"].(float64)
	} else {
		shape["replicaMemoryGb"] = f["minReplicaMemoryGb"]
	}
	shape["currentScaling"] = Object{
		"effectiveAutoscalingMode": "vertical", "effectiveMinReplicaMemoryGb": 8.0, "effectiveMaxReplicaMemoryGb": 8.0,
		"effectiveMinReplicas": 1.0, "effectiveMaxReplicas": 1.0, "effectiveIdleScaling": false, "effectiveIdleTimeoutMinutes": nil,
	}
	shape["clickhouseVersion"], shape["iamRole"], shape["encryptionRoleId"] = "26.3", "", nil
	shape["tier"], shape["scalingSchedule"] = nil, nil

	host := service.ID[:8] + "." + text(f["region"]) + "." + text(f["provider"]) + ".clickhouse.cloud"
	endpoints := []any{
		Object{"protocol": "nativesecure", "host": host, "port": 9440.0, "username": nil},
		Object{"protocol": "https", "host": host, "port": 8443.0, "username": nil},
	}
	if service.MySQL {
		endpoints = append(endpoints, Object{"protocol": "mysql", "host": host, "port": 3306.0, "username": "mysql4" + service.ID[:8]})
	}
	if s.choices.Future {
		endpoints = append(endpoints, Object{"protocol": "quic", "host": host, "port": 9999.0, "username": nil})
	}
	shape["endpoints"] = endpoints
	shape["ipAccessList"] = entries(service.IPAccessList)
	tags := []any{}
	for _, tag := range service.Tags {
		tags = append(tags, Object{"key": tag["key"], "value": text(tag["value"])})
	}
	shape["tags"] = tags
	if s.choices.NoTags {
		shape["tags"] = nil
	}
	attached, available := []any{}, []any{}
	for _, id := range service.PrivateEndpoints {
		attached = append(attached, id)
	}
	for _, endpoint := range s.org.Endpoints {
		if service.in(endpoint) {
			available = append(available, endpoint["id"])
		}
	}
	shape["privateEndpointIds"], shape["availablePrivateEndpointIds"] = attached, available
	return shape
}

// entries are those of an access list as a read shows them.
func entries(of []Object) []any {
	out := []any{}
	for _, entry := range of {
		out = append(out, Object{"source": entry["source"], "description": text(entry["description"])})
	}
	return out
}
