//go:build !race && !soak

package cloud_test

// faultSeeds is how many seeds each fault runs with.
const faultSeeds = 16
