package otherapi

import (
	"crypto/sha1" //nolint:gosec // MySQL's own scheme
	"encoding/hex"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"regexp"
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

// stage is a state that lasts until a moment; the last one has no end.
type stage struct {
	state string
	until time.Time
}

// State is the service's present state.
func (s *Service) State() string { return s.stages[0].state }

// SetState puts it into a state for good.
func (s *Service) SetState(state string) { s.stages = []stage{{state: state}} }

// SetStages takes it through states that last so long each, and leaves it in the last one.
func (s *Service) SetStages(from time.Time, each time.Duration, states ...string) {
	s.stages = nil
	for i, state := range states {
		s.stages = append(s.stages, stage{state, from.Add(each * time.Duration(i+1))})
	}
}

func (s *Service) gone() bool { return s.State() == "terminated" }

func (s *Service) up() bool {
	return slices.Contains([]string{"running", "idle", "stopped"}, s.State())
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

// Opens says whether the password opens the service.
func (s *Server) Opens(serviceID, password string) bool {
	service := s.passwordOf(serviceID)
	return service != nil && service.passwordHash == hashed(password)
}

// OpensMySQL says whether the password opens the service over MySQL.
func (s *Server) OpensMySQL(serviceID, password string) bool {
	service := s.passwordOf(serviceID)
	return service != nil && service.MySQL && service.mysqlHash == doubleSHA1(password)
}

// passwordOf is the service that has the password: the primary of the warehouse.
func (s *Server) passwordOf(id string) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	service := s.org.Service(id)
	if service == nil {
		return nil
	}
	return s.org.primary(service.Warehouse)
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

func doubleSHA1(password string) string {
	once := sha1.Sum([]byte(password)) //nolint:gosec // MySQL's own scheme
	twice := sha1.Sum(once[:])         //nolint:gosec // MySQL's own scheme
	return hex.EncodeToString(twice[:])
}

// settle lets the time that has passed have its effect.
func (s *Server) settle() {
	now := s.now()
	for _, service := range s.org.Services {
		for len(service.stages) > 1 && !now.Before(service.stages[0].until) {
			if service.stages[0].state == "stopping" {
				service.stoppedAt = service.stages[0].until
			}
			service.stages = service.stages[1:]
		}
	}
	s.org.Services = slices.DeleteFunc(s.org.Services, func(service *Service) bool {
		return service.State() == "gone"
	})
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

var creationFields = []string{
	"name", "provider", "region", "tier", "ipAccessList", "minTotalMemoryGb", "maxTotalMemoryGb", "autoscalingMode", "minReplicaMemoryGb",
	"maxReplicaMemoryGb", "numReplicas", "minReplicas", "maxReplicas", "idleScaling", "idleTimeoutMinutes", "isReadonly", "dataWarehouseId",
	"backupId", "encryptionKey", "encryptionAssumedRoleIdentifier", "privateEndpointIds", "privatePreviewTermsChecked", "releaseChannel",
	"byocId", "hasTransparentDataEncryption", "endpoints", "profile", "complianceType", "tags", "enableCoreDumps",
}

func (c *call) createService() (any, error) {
	if err := c.only(creationFields...); err != nil {
		return nil, err
	}
	if c.body["tier"] != nil {
		return nil, refuse(http.StatusBadRequest, "BAD_REQUEST: Service tier is not supported in this organization.")
	}
	if _, isList := c.body["ipAccessList"].([]any); !isList {
		return nil, refuse(http.StatusBadRequest, "BAD_REQUEST: request body.ipAccessList value is not an array: undefined")
	}
	if c.choices.NoTags && c.body["tags"] != nil {
		return nil, refuse(http.StatusBadRequest, "Property tags is not expected.")
	}
	for _, ignored := range c.choices.IgnoredOnCreate {
		delete(c.body, ignored)
	}
	service := c.org.NewService("")
	service.Fields["createdAt"] = c.now
	if err := c.fillService(service); err != nil {
		return nil, err
	}
	states := append([]string{"provisioning"}, c.choices.ProvisioningPath...)
	service.stages = nil
	for i, state := range states {
		share := c.choices.ProvisioningTime * time.Duration(i+1) / time.Duration(len(states))
		service.stages = append(service.stages, stage{state, c.now.Add(share)})
	}
	service.stages = append(service.stages, stage{state: c.upState()})
	service.readableFrom, service.unseenLists = c.now.Add(c.choices.HiddenReads), c.choices.HiddenLists
	result := Object{"service": c.view(service, 0), "password": nil}
	if service.Primary {
		password := c.letters(14) + "aZ7_"
		service.passwordHash, service.mysqlHash = hashed(password), doubleSHA1(password)
		result["password"] = password
	}
	c.org.Services = append(c.org.Services, service)
	c.log("service_create", Object{"serviceId": service.ID})
	return result, nil
}

func (s *Server) upState() string {
	if s.choices.IdlesAtOnce {
		return "idle"
	}
	return "running"
}

// fillService gives a new service what the body says.
func (c *call) fillService(service *Service) error {
	f := service.Fields
	if !slices.Contains([]string{"aws", "gcp", "azure"}, text(c.body["provider"])) || text(c.body["region"]) == "" {
		return refuse(http.StatusBadRequest, "A service has a provider and a region.")
	}
	for _, name := range []string{
		"provider", "region", "isReadonly", "encryptionKey", "encryptionAssumedRoleIdentifier", "byocId", "hasTransparentDataEncryption",
		"profile", "complianceType",
	} {
		if value := c.body[name]; value != nil {
			f[name] = value
		}
	}
	if warehouse := text(c.body["dataWarehouseId"]); warehouse != "" {
		primary := c.org.primary(warehouse)
		switch {
		case primary == nil:
			return refuse(http.StatusBadRequest, "There is no such warehouse.")
		case primary.Fields["provider"] != f["provider"] || primary.Fields["region"] != f["region"]:
			return refuse(http.StatusBadRequest, "The warehouse is elsewhere.")
		case c.org.secondaries(primary) >= 4:
			return refuse(http.StatusBadRequest, "The warehouse is full.")
		}
		service.Warehouse, service.Primary = warehouse, false
	} else if f["isReadonly"] == true {
		return refuse(http.StatusBadRequest, "Only a secondary can be read-only.")
	}
	if text(c.body["encryptionKey"]) != "" && f["provider"] != "aws" {
		return refuse(http.StatusBadRequest, "Customer keys exist on aws only.")
	}
	if text(c.body["byocId"]) != "" && (c.body["minReplicaMemoryGb"] == nil || c.body["maxReplicaMemoryGb"] == nil) {
		return refuse(http.StatusBadRequest, "A service of your own cloud says how much memory it wants.")
	}
	if text(c.body["name"]) == "" {
		return refuse(http.StatusBadRequest, "A service has a name.")
	}
	// The default of one bound gives way to a wish for the other.
	if least, wished := c.body["minReplicaMemoryGb"].(float64); wished {
		f["maxReplicaMemoryGb"] = max(least, f["maxReplicaMemoryGb"].(float64))
	}
	if most, wished := c.body["maxReplicaMemoryGb"].(float64); wished {
		f["minReplicaMemoryGb"] = min(most, f["minReplicaMemoryGb"].(float64))
	}
	if err := c.scale(service); err != nil {
		return err
	}
	return c.alter(service, Object{
		"name": c.body["name"], "releaseChannel": c.body["releaseChannel"], "endpoints": c.body["endpoints"], "enableCoreDumps": c.body["enableCoreDumps"],
		"ipAccessList": Object{"add": c.body["ipAccessList"]}, "tags": Object{"add": c.body["tags"]},
		"privateEndpointIds": Object{"add": c.body["privateEndpointIds"]},
	})
}

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

func (c *call) rescale(service *Service) error {
	if err := c.notBusy(service); err != nil {
		return err
	}
	if err := c.only("autoscalingMode", "minReplicaMemoryGb", "maxReplicaMemoryGb", "numReplicas", "minReplicas", "maxReplicas",
		"idleScaling", "idleTimeoutMinutes"); err != nil {
		return err
	}
	return c.scale(service)
}

// scale gives the service what the body says of replicas, memory and idling, or nothing of it.
func (c *call) scale(service *Service) error {
	f := maps.Clone(service.Fields)
	number := func(name string) (float64, bool) {
		value, ok := c.body[name].(float64)
		return value, ok
	}
	for _, name := range []string{"minReplicaMemoryGb", "maxReplicaMemoryGb"} {
		if memory, given := number(name); given {
			if memory < 8 || memory > 356 || memory != float64(int(memory)/4*4) {
				return refuse(http.StatusBadRequest, "%s is 8 to 356 in steps of 4.", name)
			}
			f[name] = memory
		}
	}
	if f["minReplicaMemoryGb"].(float64) > f["maxReplicaMemoryGb"].(float64) {
		return refuse(http.StatusBadRequest, "A replica cannot have more memory at least than at most.")
	}

	fixed, hasFixed := number("numReplicas")
	least, hasLeast := number("minReplicas")
	most, hasMost := number("maxReplicas")
	for _, replicas := range []float64{fixed, least, most} {
		if replicas < 0 || replicas > 20 || replicas != float64(int(replicas)) {
			return refuse(http.StatusBadRequest, "There are 1 to 20 replicas.")
		}
	}
	if hasFixed && fixed == 0 || hasLeast && least == 0 || hasFixed && (hasLeast || hasMost) || hasLeast != hasMost || least > most {
		return refuse(http.StatusBadRequest, "Replicas are a number, or a least and a most.")
	}
	mode := text(f["autoscalingMode"])
	if wanted := text(c.body["autoscalingMode"]); wanted != "" {
		if wanted == "vertical" && mode == "horizontal" && !hasFixed && !hasLeast || wanted == "horizontal" && mode == "vertical" && !hasLeast {
			return refuse(http.StatusBadRequest, "Say how many replicas there shall be in the other mode.")
		}
		mode = wanted
	}
	switch mode {
	case "vertical":
		if hasLeast {
			fixed, hasFixed = least, least == most
			if !hasFixed {
				return refuse(http.StatusBadRequest, "A vertical service has a fixed number of replicas.")
			}
		}
		if hasFixed {
			f["numReplicas"] = fixed
		}
		f["minReplicas"], f["maxReplicas"] = nil, nil
	case "horizontal":
		if hasFixed {
			return refuse(http.StatusBadRequest, "A horizontal service has no fixed number of replicas.")
		}
		if f["minReplicaMemoryGb"] != f["maxReplicaMemoryGb"] {
			return refuse(http.StatusBadRequest, "The replicas of a horizontal service are of one size.")
		}
		if hasLeast {
			f["minReplicas"], f["maxReplicas"] = least, most
		}
		f["numReplicas"] = nil
	default:
		return refuse(http.StatusBadRequest, "There is no such mode.")
	}
	f["autoscalingMode"] = mode

	if idling, given := c.body["idleScaling"].(bool); given {
		f["idleScaling"] = idling
	}
	if minutes, given := number("idleTimeoutMinutes"); given {
		if f["idleScaling"] == false || minutes < 5 {
			return refuse(http.StatusBadRequest, "An idle timeout is 5 minutes or more, where idling is on.")
		}
		if c.choices.MinutesOnly && minutes != float64(int(minutes)) {
			minutes = float64(int(minutes) + 1)
		}
		f["idleTimeoutMinutes"] = minutes
	}
	service.Fields = f
	return nil
}

// command starts, stops or wakes.
func (c *call) command(service *Service) error {
	if err := c.only("command"); err != nil {
		return err
	}
	through := func(passing, final string) {
		service.stages = []stage{{passing, c.now.Add(c.choices.CommandTime)}, {state: final}}
	}
	state := service.State()
	switch command := text(c.body["command"]); {
	case command == "start" && state == "stopped":
		through("starting", c.upState())
	case command == "awake" && state == "idle":
		through("awaking", "running")
	case command == "start" && (state == "idle" || state == "running"), command == "awake" && (state == "running" || state == "awaking"):
		return nil
	case command == "stop" && slices.Contains([]string{"running", "idle", "partially_running"}, state):
		if c.org.secondaries(service) > 0 {
			return refuse(http.StatusBadRequest, "Others of the warehouse depend on this instance.")
		}
		if c.choices.StopsInIdle {
			through("stopping", "idle")
		} else {
			through("stopping", "stopped")
		}
	default:
		return refuse(http.StatusBadRequest, "Command %q means nothing to an instance that is %s.", command, state)
	}
	c.log("service_"+text(c.body["command"]), Object{"serviceId": service.ID})
	return nil
}

func (c *call) deleteService(service *Service) error {
	const conflict = "CONFLICT: Only instance in one of the following states: 'provisioning','starting','awaking','idle'," +
		"'stopped','degraded','failed' can be terminated. Current state: '%s'"
	if !slices.Contains([]string{"provisioning", "starting", "awaking", "idle", "stopped", "degraded", "failed"}, service.State()) {
		return refuse(http.StatusConflict, conflict, service.State())
	}
	if !service.stoppedAt.IsZero() && c.now.Before(service.stoppedAt.Add(c.choices.DeleteConflict)) {
		return refuse(http.StatusConflict, conflict, "stopping")
	}
	if c.org.secondaries(service) > 0 {
		return refuse(http.StatusBadRequest, "Others of the warehouse depend on this instance.")
	}
	done := c.now.Add(c.choices.CommandTime)
	service.stages = []stage{{"terminating", done}, {"terminated", done.Add(c.choices.Lingers)}, {state: "gone"}}
	c.log("service_delete", Object{"serviceId": service.ID})
	return nil
}

func (c *call) setPassword(service *Service) (any, error) {
	if err := c.only("newPasswordHash", "newDoubleSha1Hash"); err != nil {
		return nil, err
	}
	if !service.Primary {
		return nil, refuse(http.StatusBadRequest, "The password is the primary's.")
	}
	if err := c.notBusy(service); err != nil {
		return nil, err
	}
	c.log("service_update_password", Object{"serviceId": service.ID})
	if hash := text(c.body["newPasswordHash"]); hash != "" {
		service.passwordHash, service.mysqlHash = hash, text(c.body["newDoubleSha1Hash"])
		return Object{}, nil
	}
	password := c.letters(14) + "aZ7_"
	service.passwordHash, service.mysqlHash = hashed(password), doubleSHA1(password)
	return Object{"password": password}, nil
}

// backup is the backup configuration, with defaults where nothing is set.
func (c *call) backup(service *Service) (any, error) {
	switch {
	case !service.Primary:
		return nil, refuse(http.StatusBadRequest, "Backups are the primary's.")
	case service.State() == "provisioning":
		return nil, unknown("backup configuration")
	}
	shown := Object{"backupPeriodInHours": 24.0, "backupRetentionPeriodInHours": 24.0, "backupStartTime": nil}
	if c.choices.LongRetention {
		shown["backupRetentionPeriodInHours"] = 720.0
	}
	for name, value := range service.Backup {
		if value != nil {
			shown[name] = value
		}
	}
	return shown, nil
}

var fullHour = regexp.MustCompile(`^([01][0-9]|2[0-3]):00$`)

func (c *call) patchBackup(service *Service) (any, error) {
	if err := c.needAdmin(); err != nil {
		return nil, err
	}
	if err := c.only("backupPeriodInHours", "backupRetentionPeriodInHours", "backupStartTime"); err != nil {
		return nil, err
	}
	before, err := c.backup(service)
	if err != nil {
		return nil, err
	}
	if err := c.notBusy(service); err != nil {
		return nil, err
	}
	backup := maps.Clone(service.Backup)
	maps.Copy(backup, c.body)
	if hours, given := backup["backupRetentionPeriodInHours"].(float64); given && (hours < 24 || hours > 1080 || int(hours)%24 != 0) {
		return nil, refuse(http.StatusBadRequest, "Backups are kept for whole days, at most 45.")
	}
	if hours, given := backup["backupPeriodInHours"].(float64); given && (hours < 1 || hours != float64(int(hours))) {
		return nil, refuse(http.StatusBadRequest, "A period is of whole hours.")
	}
	if start := text(backup["backupStartTime"]); start != "" {
		if !fullHour.MatchString(start) {
			return nil, refuse(http.StatusBadRequest, "BAD_REQUEST: customBackupStartTime must be a valid time (HH:00)")
		}
		if c.choices.StartResets && text(c.body["backupStartTime"]) != "" && start != text(service.Backup["backupStartTime"]) {
			backup["backupPeriodInHours"] = 24.0
		}
		if hours, given := backup["backupPeriodInHours"].(float64); given && hours != 24 && hours != 48 {
			return nil, refuse(http.StatusBadRequest, "BAD_REQUEST: customBackupPeriod must be 24 or 48 hours when customBackupStartTime is set")
		}
	}
	service.Backup = backup
	c.log("service_update_backup_configuration", Object{"serviceId": service.ID})
	if c.choices.StaleReplies {
		return before, nil
	}
	return c.backup(service)
}
