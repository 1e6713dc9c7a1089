//go:build soak

package cloud_test

// faultSeeds is how many seeds each fault runs with in a long run: make soak.
const faultSeeds = 1000
