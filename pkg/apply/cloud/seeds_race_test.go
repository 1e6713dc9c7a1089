//go:build race && !soak

package cloud_test

// faultSeeds is how many seeds each fault runs with: few under the race detector, which is slow and looks for other things.
const faultSeeds = 2
