package sim

import (
	"fmt"
	"strings"
)

// metric is one gauge of the Prometheus output. Those that filtered_metrics=true leaves out are marked.
type metric struct {
	name, help string
	value      func(*service) int
	detail     bool
}

var metrics = []metric{
	{"ClickHouse_ServiceInfo", "Service information", func(*service) int { return 1 }, false},
	{"ClickHouseMetrics_Query", "Queries running", func(*service) int { return 0 }, false},
	{"ClickHouseAsyncMetrics_OSMemoryTotal", "Memory of a replica in bytes", func(s *service) int { return s.MaxReplicaMemoryGB << 30 }, true},
}

func organizationMetrics(c *call) (any, error) {
	var running []*service
	for _, s := range c.st.Services {
		if c.visible(s) && s.stateAt(c.at) == stateRunning {
			running = append(running, s)
		}
	}
	return c.exposition(running)
}

func serviceMetrics(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	if svc.stateAt(c.at) != stateRunning {
		return c.exposition(nil)
	}
	return c.exposition([]*service{svc})
}

// exposition writes the metrics of services in the Prometheus text format.
func (c *call) exposition(services []*service) (any, error) {
	filtered := c.query.Get("filtered_metrics")
	if filtered != "" && filtered != "true" && filtered != "false" {
		return nil, badRequest("query parameter filtered_metrics value is not a boolean: %s", shown(filtered))
	}
	var text strings.Builder
	for _, m := range metrics {
		if m.detail && filtered == "true" || len(services) == 0 {
			continue
		}
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
		for _, s := range services {
			fmt.Fprintf(&text, "%s{clickhouse_org=%q,clickhouse_service=%q,clickhouse_service_name=%q} %d\n",
				m.name, c.st.Organization.ID, s.ID, s.Name, m.value(s))
		}
	}
	return plainText(text.String()), nil
}
