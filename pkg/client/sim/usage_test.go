package sim_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

func TestUsageCost(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	id := c.newService("orders", object{"minReplicaMemoryGb": 8, "maxReplicaMemoryGb": 16, "numReplicas": 2, "tags": []any{object{"key": "team", "value": "orders"}}})
	warehouse := c.service(id)["dataWarehouseId"]
	c.newService("other")
	srv.Advance(5 * 24 * time.Hour)
	got := c.ok("GET", "/usageCost?from_date=2026-02-28&to_date=2026-03-02&filter=tag:team", nil)
	record := func(day string, service any, kind string, entity, name, metrics any, total float64) any {
		return object{
			"dataWarehouseId": warehouse, "serviceId": service, "date": day, "entityType": kind, "entityId": entity, "entityName": name,
			"metrics": metrics, "totalCHC": total, "locked": true,
		}
	}
	compute := object{
		"computeCHC": 9.6, "publicDataTransferCHC": 0.0625, "interRegionTier1DataTransferCHC": 0.0, "interRegionTier2DataTransferCHC": 0.0,
		"interRegionTier3DataTransferCHC": 0.0, "interRegionTier4DataTransferCHC": 0.0,
	}
	storage := object{"storageCHC": 0.5, "backupCHC": 0.25}
	want := object{"grandTotalCHC": 20.825, "costs": []any{
		record("2026-03-01", id, "service", id, "orders", compute, 9.6625), record("2026-03-01", nil, "datawarehouse", warehouse, "orders", storage, 0.75),
		record("2026-03-02", id, "service", id, "orders", compute, 9.6625), record("2026-03-02", nil, "datawarehouse", warehouse, "orders", storage, 0.75),
	}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	open := c.ok("GET", "/usageCost?from_date=2026-03-06&to_date=2026-03-31", nil)["costs"].([]any)
	if len(open) != 4 || open[0].(object)["locked"] != false {
		t.Errorf("of today on there are %v", open)
	}
}

func TestUsageCostRefuses(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	for query, want := range map[string]string{
		"":                      "BAD_REQUEST: query parameter from_date is required",
		"?from_date=2026-03-01": "BAD_REQUEST: query parameter to_date is required",
		"?from_date=2025-01-01T00:00:00Z&to_date=2025-01-02": "BAD_REQUEST: 2025-01-01T00:00:00Z",
		"?from_date=2026-03-02&to_date=2026-03-01":           "BAD_REQUEST: to_date must be 0 to 30 days after from_date",
		"?from_date=2026-01-01&to_date=2026-02-01":           "BAD_REQUEST: to_date must be 0 to 30 days after from_date",
	} {
		bare := *c
		bare.rt = c.bare // the document does not allow such questions
		bare.refused("GET", "/usageCost"+query, nil, 400, want)
	}
	c.ok("GET", "/usageCost?from_date=2026-01-01&to_date=2026-01-31", nil)
}
