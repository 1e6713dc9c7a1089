package sim

import (
	"time"
)

// The prices are made up. They are round, so that a reader can check a sum.
const (
	computeCHCPerGBHour = 0.025
	storageCHCPerDay    = 0.5
	backupCHCPerDay     = 0.25
	transferCHCPerDay   = 0.0625

	maxUsageDays = 31
	// lockedAfter is how many days a record stays open to change.
	lockedAfter = 3
)

type usageView struct {
	GrandTotal float64       `json:"grandTotalCHC"`
	Costs      []usageRecord `json:"costs"`
}

type usageRecord struct {
	DataWarehouseID string       `json:"dataWarehouseId"`
	ServiceID       *string      `json:"serviceId"` // null of a warehouse
	Date            string       `json:"date"`
	EntityType      string       `json:"entityType"`
	EntityID        string       `json:"entityId"`
	EntityName      string       `json:"entityName"`
	Metrics         usageMetrics `json:"metrics"`
	Total           float64      `json:"totalCHC"`
	Locked          bool         `json:"locked"`
}

// usageMetrics are the parts of a record: those of a warehouse or those of a service.
type usageMetrics struct {
	Storage        *float64 `json:"storageCHC,omitempty"`
	Backup         *float64 `json:"backupCHC,omitempty"`
	Compute        *float64 `json:"computeCHC,omitempty"`
	PublicTransfer *float64 `json:"publicDataTransferCHC,omitempty"`
	Tier1Transfer  *float64 `json:"interRegionTier1DataTransferCHC,omitempty"`
	Tier2Transfer  *float64 `json:"interRegionTier2DataTransferCHC,omitempty"`
	Tier3Transfer  *float64 `json:"interRegionTier3DataTransferCHC,omitempty"`
	Tier4Transfer  *float64 `json:"interRegionTier4DataTransferCHC,omitempty"`
}

// usageCost handles GET usageCost. Costs are worked out from the services that there are: a whole day at their smallest size, for
// every day since they were created.
func usageCost(c *call) (any, error) {
	from, err := c.queryDate("from_date")
	if err != nil {
		return nil, err
	}
	to, err := c.queryDate("to_date")
	if err != nil {
		return nil, err
	}
	if to.Before(from) || to.Sub(from) >= maxUsageDays*24*time.Hour {
		return nil, badRequest("to_date must be 0 to %d days after from_date", maxUsageDays-1)
	}
	out := usageView{Costs: []usageRecord{}}
	for day := from; !day.After(to) && !day.After(c.now); day = day.AddDate(0, 0, 1) {
		for _, s := range c.st.Services {
			if !c.visible(s) || !matchesFilters(s, c.query["filter"]) || !s.CreatedAt.Before(day.AddDate(0, 0, 1)) {
				continue
			}
			locked := c.now.Sub(day) > lockedAfter*24*time.Hour
			for _, record := range usageOf(s) {
				record.Date, record.Locked = day.Format(time.DateOnly), locked
				out.Costs = append(out.Costs, record)
				out.GrandTotal += record.Total
			}
		}
	}
	return out, nil
}

// queryDate reads a day of the query. A moment is refused by repeating it.
func (c *call) queryDate(name string) (time.Time, error) {
	text := c.query.Get(name)
	day, err := time.Parse(time.DateOnly, text)
	switch {
	case text == "":
		return day, badRequest("query parameter %s is required", name)
	case err != nil:
		return day, badRequest("%s", text)
	default:
		return day, nil
	}
}

// usageOf are the records of one day of a service and, if it is the primary, of its warehouse.
func usageOf(s *service) []usageRecord {
	replicas := s.NumReplicas
	if s.AutoscalingMode == horizontal {
		replicas = s.MinReplicas
	}
	compute := float64(replicas*s.MinReplicaMemoryGB) * 24 * computeCHCPerGBHour
	records := []usageRecord{{
		DataWarehouseID: s.DataWarehouseID, ServiceID: &s.ID, EntityType: "service", EntityID: s.ID, EntityName: s.Name,
		Metrics: usageMetrics{
			Compute: &compute, PublicTransfer: ptr(transferCHCPerDay),
			Tier1Transfer: ptr(0.0), Tier2Transfer: ptr(0.0), Tier3Transfer: ptr(0.0), Tier4Transfer: ptr(0.0),
		},
		Total: compute + transferCHCPerDay,
	}}
	if s.IsPrimary {
		records = append(records, usageRecord{
			DataWarehouseID: s.DataWarehouseID, EntityType: "datawarehouse", EntityID: s.DataWarehouseID, EntityName: s.Name,
			Metrics: usageMetrics{Storage: ptr(storageCHCPerDay), Backup: ptr(backupCHCPerDay)},
			Total:   storageCHCPerDay + backupCHCPerDay,
		})
	}
	return records
}
