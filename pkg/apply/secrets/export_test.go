package secrets

// NewDirOn is NewDir on another disk.
var NewDirOn = newDir
