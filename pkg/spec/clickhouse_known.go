package spec

import (
	"fmt"
	"slices"
	"strings"
)

// openFields are the fields of a service whose values the server owns: it adds to them without notice (FACTS 1.8). What the
// schema gives as examples are those known so far; another one is worth a warning and may be right.
var openFields = []string{"provider", "tier", "profile", "complianceType", "releaseChannel", "autoscalingMode"}

// knownRegions are the regions of each provider, as far as they are known (FACTS 5.2).
var knownRegions = map[string][]string{
	"aws": {
		"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
		"eu-west-1", "eu-west-2", "il-central-1", "us-east-1", "us-east-2", "us-west-2",
	},
	"gcp":   {"asia-northeast1", "asia-southeast1", "europe-west2", "europe-west4", "us-central1", "us-east1"},
	"azure": {"centralus", "eastus", "eastus2", "germanywestcentral", "westus3"},
}

// checkKnown warns of values of the server's that nobody has heard of yet.
func (d *draft) checkKnown() {
	schema := d.api.schema()
	for _, e := range d.entries["privateEndpoints"] {
		provider := text(e.tree, "cloudProvider")
		d.warnUnknown("cloudProvider", provider, schema.examples("PrivateEndpoint", "cloudProvider"), e.at("cloudProvider"))
		d.warnRegion(provider, text(e.tree, "region"), e.at("region"))
	}
	for _, s := range d.objects["services"] {
		for _, field := range openFields {
			d.warnUnknown(field, s.text(field), schema.examples("ServiceDefaults", field), s.value(field))
		}
		for i, endpoint := range s.list("endpoints") {
			d.warnUnknown("protocol", text(endpoint, "protocol"), schema.examples("Endpoint", "protocol"), s.value("endpoints", i, "protocol"))
		}
		d.warnRegion(s.text("provider"), s.text("region"), s.value("region"))
	}
}

// maxKnown is how many known values a warning lists.
const maxKnown = 6

func (d *draft) warnUnknown(field, value string, known []string, at place) {
	if value == "" || slices.Contains(known, value) {
		return
	}
	message := fmt.Sprintf("%s %s is none that orgctl knows", field, quoted(value))
	if len(known) <= maxKnown {
		message += " (" + strings.Join(known, ", ") + ")"
	}
	d.warn(CodeUnknownValue, at.pos(), message, d.suggest(value, known))
}

// warnRegion: a region that nobody knows may be new; one that another provider has is more likely a mistake.
func (d *draft) warnRegion(provider, region string, at place) {
	if knownRegions[provider] == nil || slices.Contains(knownRegions[provider], region) {
		return
	}
	for other, regions := range knownRegions {
		if slices.Contains(regions, region) {
			d.warn(CodeForeignRegion, at.pos(), fmt.Sprintf("region %s is known as one of %s, not of %s", region, other, provider),
				d.suggest(region, knownRegions[provider]))
		}
	}
}
