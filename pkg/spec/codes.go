package spec

// Codes of diagnostics. They are stable: scripts and suppressions name them, and docs/errors.md has a section for each.
const (
	CodeRead         = "OC201" // a path cannot be read
	CodeNoManifest   = "OC202" // nothing to load
	CodeTooLarge     = "OC203" // a file above MaxFileSize
	CodeEncoding     = "OC204" // not UTF-8 text
	CodeSyntax       = "OC205" // not YAML
	CodeDuplicateKey = "OC206" // a key given twice in one object
	CodeAlias        = "OC207" // an alias that is unknown, circular or explosive
	CodeNesting      = "OC208" // nested too deep
	CodeYAML         = "OC209" // YAML that a manifest has no use for: keys that are no text, tags
	CodeNumber       = "OC210" // a number that is not plain decimal

	CodeNotManifest = "OC220" // another apiVersion or kind
	CodeUnknownKey  = "OC221"
	CodeType        = "OC222"
	CodeNull        = "OC223" // null where it means nothing
	CodeMissing     = "OC224"
	CodeEnum        = "OC225"
	CodeRange       = "OC226"
	CodeMultiple    = "OC227"
	CodeFormat      = "OC228" // text of the wrong shape
	CodeLength      = "OC229" // text or list too short or too long

	CodeDuplicate    = "OC240" // declared twice
	CodePersonTwice  = "OC241" // both a member and an invitation
	CodeOrganization = "OC242" // one organization, two ids
	CodeConflict     = "OC243" // documents that disagree
	CodePreviously   = "OC244" // a former name that is taken
	CodeProtected    = "OC245" // protected and absent

	CodeUnknownSet      = "OC250"
	CodeUnknownEndpoint = "OC251"
	CodeWarehouse       = "OC252" // a warehouse that cannot be
	CodeSecondary       = "OC253" // a setting that only a primary, or only a secondary, has

	CodeIPEntry    = "OC260" // neither or both of source and set
	CodeIPSource   = "OC261" // not an IPv4 address or CIDR
	CodeHostBits   = "OC262" // a CIDR with host bits
	CodeIPConflict = "OC263" // one address listed twice
	CodeBareZero   = "OC264" // warning: 0.0.0.0 without /0

	CodeReplicas    = "OC270" // count and band of replicas
	CodeMinMax      = "OC271" // minimum above maximum
	CodeHorizontal  = "OC272" // horizontal scaling incomplete
	CodeIdleTimeout = "OC273" // timeout without idling
	CodeBackup      = "OC274" // start time with another period
	CodeRoles       = "OC275" // role and roles
	CodeElement     = "OC276" // a list names one thing twice
	CodeReserved    = "OC277" // a tag that orgctl keeps for itself
	CodeTimestamp   = "OC278" // not an RFC 3339 timestamp
	CodeAllowDelete = "OC279" // not service/GLOB
	CodeCoreDumps   = "OC280" // core dumps that the organization forbids
	CodeEncryption  = "OC281" // encryption settings that do not go together

	// Warnings.
	CodeUnknownValue  = "OC290" // a value of the server's that nobody has heard of
	CodeForeignRegion = "OC291" // a region of another provider
	CodeTemplate      = "OC292" // a name that looks like a template
	CodeDoubtful      = "OC293" // a name that the API may refuse
	CodeDecomposed    = "OC294" // a name in another Unicode form than NFC
	CodeRoleless      = "OC295" // a key without roles

	CodeTooMany = "OC299" // more problems than are shown
)
