package otherapi

import (
	"net/http"
	"slices"
	"time"
)

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
