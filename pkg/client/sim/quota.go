package sim

type quotaView struct {
	QuotaCode   string `json:"quotaCode"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Scope       string `json:"scope"`
	Value       int    `json:"value"`
	Usage       *int   `json:"usage,omitempty"`
	Adjustable  bool   `json:"adjustable"`
}

func (c *call) quotas() []quotaView {
	usage := 0
	for _, s := range c.st.Services {
		if c.visible(s) {
			usage++
		}
	}
	return []quotaView{
		{"services-per-organization", "Services", "Services in the organization.", "organization", c.cfg.serviceQuota(), &usage, true},
		{"replicas-per-warehouse", "Replicas", "Replicas of all services of a warehouse.", "warehouse", c.cfg.warehouseLimit() * maxReplicaCount, nil, true},
	}
}

func listQuotas(c *call) (any, error) { return c.quotas(), nil }

func getQuota(c *call) (any, error) {
	for _, q := range c.quotas() {
		if q.QuotaCode == c.params["quotaCode"] {
			return q, nil
		}
	}
	return nil, notFound(c.params["quotaCode"])
}
