package sim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// currentVersion is the ClickHouse version of every service.
const currentVersion = "25.8"

// createService handles POST services. It reads everything first and decides afterwards, so that nothing is created by a
// request that is refused.
func createService(c *call) (any, error) {
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	for _, name := range c.cfg.IgnoredOnCreate {
		delete(f.m, name)
	}
	svc := c.cfg.newService()
	ips := f.mustArray("ipAccessList")
	f.require("name", "provider", "region")
	if name := readServiceName(f); name != nil {
		svc.Name = *name
	}
	c.readPlace(f, svc)
	if f.has("tier") {
		f.fail(badRequest("Service tier is not supported in this organization."))
	}
	f.eachOf("ipAccessList", ips, func(e *fields) {
		svc.IPAccessList = c.addIP(e, svc.IPAccessList)
	})
	scale := c.readScaling(f, !c.cfg.OldAPI, true)
	attach, _ := f.strs("privateEndpointIds")
	svc.EncryptionKey = deref(f.str("encryptionKey"))
	svc.EncryptionAssumedRoleIdentifier = deref(f.str("encryptionAssumedRoleIdentifier"))
	backupID := f.str("backupId")
	f.boolean("privatePreviewTermsChecked")
	if !c.cfg.OldAPI {
		c.readModern(f, svc)
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if err := c.checkCreate(svc, attach, backupID); err != nil {
		return nil, err
	}
	svc.PrivateEndpointIDs = attach
	if svc.scaling, err = c.apply(svc.scaling, scale, true); err != nil {
		return nil, err
	}
	if err := c.checkBYOC(svc, scale); err != nil {
		return nil, err
	}
	return c.admit(svc), nil
}

// newService is a service with the defaults of the API.
func (c Config) newService() *service {
	return &service{
		ID: stage.NewID(), ClickHouseVersion: currentVersion, HostPrefix: strings.ToLower(stage.RandomText(10)),
		scaling: c.defaultScaling(), IPAccessList: []ipEntry{}, Tags: []tag{}, PrivateEndpointIDs: []string{},
		Endpoints: []endpointSwitch{}, ReleaseChannel: "default", EnableCoreDumps: true,
	}
}

// admit adds a service to the organization: it starts to be provisioned and, unless it joins a warehouse, gets a warehouse and
// a password of its own.
func (c *call) admit(svc *service) any {
	var reply struct {
		Service  serviceView `json:"service"`
		Password string      `json:"password,omitempty"`
	}
	if svc.DataWarehouseID == "" {
		svc.DataWarehouseID, svc.IsPrimary = stage.NewID(), true
		reply.Password = newPassword()
		svc.PasswordHash, svc.DoubleSHA1Hash = stage.SHA256Base64(reply.Password), doubleSHA1Hex(reply.Password)
	}
	svc.CreatedAt, svc.VisibleFrom = c.now, c.now.Add(c.cfg.Delays.Visibility)
	svc.enter(c.now, stateProvisioning)
	reply.Service = c.viewService(svc) // the answer to a create always shows provisioning
	svc.enter(c.now, stateProvisioning, c.cfg.Delays.upAfter(c.cfg.Delays.Provision)...)
	c.st.Services = append(c.st.Services, svc)
	c.did(doneTo(svc, "service_create")...)
	return reply
}

func (c *call) readPlace(f *fields, svc *service) {
	svc.Provider = deref(f.enum("provider", providers...))
	region := f.str("region")
	if svc.Provider == "" || region == nil {
		return
	}
	svc.Region = *region
	if !slices.Contains(regions[svc.Provider], svc.Region) {
		f.fail(badRequest("request body.region value is not a region of %s: %s", svc.Provider, shown(svc.Region)))
	}
}

// readModern reads the fields that the old API document does not have.
func (c *call) readModern(f *fields, svc *service) {
	svc.DataWarehouseID = deref(f.str("dataWarehouseId"))
	svc.IsReadonly = deref(f.boolean("isReadonly"))
	svc.BYOCID = deref(f.str("byocId"))
	svc.HasTransparentDataEncryption = deref(f.boolean("hasTransparentDataEncryption"))
	svc.Profile = deref(f.enum("profile", "v1-default", "v1-highmem-xs", "v1-highmem-s", "v1-highmem-m", "v1-highmem-l", "v1-highmem-xl"))
	svc.ComplianceType = deref(f.enum("complianceType", "hipaa", "pci"))
	if channel := readReleaseChannel(f); channel != nil {
		svc.ReleaseChannel = *channel
	}
	if list, ok := readEndpointSwitches(f); ok {
		svc.Endpoints = list
	}
	f.each("tags", func(t *fields) { svc.Tags = c.addTag(t, svc.Tags) })
	checkTagCount(f, svc.Tags)
	svc.EnableCoreDumps = c.st.Organization.EnableCoreDumps
	if dumps := c.coreDumps(f); dumps != nil {
		svc.EnableCoreDumps = *dumps
	}
}

// checkCreate holds the rules that involve more than the request itself.
func (c *call) checkCreate(svc *service, attach []string, backupID *string) error {
	if n := len(c.st.Services); n >= c.cfg.serviceQuota() {
		return refuse(cmp.Or(c.cfg.Statuses.ServiceQuota, http.StatusBadRequest), "the organization has reached its limit of %d services", c.cfg.serviceQuota())
	}
	if svc.Provider != "aws" && (svc.EncryptionKey != "" || svc.EncryptionAssumedRoleIdentifier != "") {
		return badRequest("customer managed encryption keys are available on aws only")
	}
	if svc.IsReadonly && svc.DataWarehouseID == "" {
		return badRequest("isReadonly is only possible together with dataWarehouseId")
	}
	if svc.DataWarehouseID != "" {
		if err := c.checkWarehouse(svc); err != nil {
			return err
		}
	}
	for i, id := range attach {
		if slices.Contains(attach[:i], id) {
			return badRequest("private endpoint %s is named twice", id)
		}
		if !c.st.registered(svc, id) {
			return badRequest("private endpoint %s is not registered in %s %s", id, svc.Provider, svc.Region)
		}
	}
	if backupID != nil {
		return c.checkRestore(svc, *backupID)
	}
	return nil
}

func (c *call) checkWarehouse(svc *service) error {
	primary := c.st.primaryOf(svc.DataWarehouseID)
	if primary == nil {
		return badRequest("dataWarehouseId %s does not exist", svc.DataWarehouseID)
	}
	if primary.Provider != svc.Provider || primary.Region != svc.Region {
		return badRequest("the services of a warehouse must be in the same provider and region: %s %s", primary.Provider, primary.Region)
	}
	if err := c.present(primary); err != nil {
		return err
	}
	if c.secondaries(primary)+1 >= c.cfg.warehouseLimit() {
		return badRequest("the warehouse has reached its limit of %d services", c.cfg.warehouseLimit())
	}
	return nil
}

// primaryOf is the primary service of a warehouse.
func (st *state) primaryOf(warehouseID string) *service {
	return find(st.Services, func(s *service) bool { return s.IsPrimary && s.DataWarehouseID == warehouseID })
}

// checkBYOC holds the rules of services in the customer's own cloud account.
func (c *call) checkBYOC(svc *service, r scalingRequest) error {
	if svc.BYOCID == "" {
		return nil
	}
	if !slices.ContainsFunc(c.st.Organization.BYOCConfig, func(b byocConfig) bool { return b.ID == svc.BYOCID }) {
		return badRequest("byocId %s does not exist", svc.BYOCID)
	}
	for _, memory := range []*int{r.minMemory, r.maxMemory} {
		if memory == nil || !slices.Contains([]int{48, 116, 172, 232}, *memory) {
			return badRequest("minReplicaMemoryGb and maxReplicaMemoryGb must be one of 48, 116, 172, 232 with byocId")
		}
	}
	return nil
}

func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
