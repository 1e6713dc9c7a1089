package otherapi

import (
	"maps"
	"net/http"
)

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
