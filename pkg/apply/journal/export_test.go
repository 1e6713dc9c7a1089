package journal

// OpenOn is Open on another disk.
var OpenOn = open
