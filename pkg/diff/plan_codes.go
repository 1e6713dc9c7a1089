package diff

// Codes of findings and requirements. They are stable: pipelines and docs/errors.md refer to them.
const (
	CodeIncomplete       = "OC301" // something to create lacks what the API needs
	CodeAmbiguous        = "OC302" // several live objects have one name
	CodeUnknownID        = "OC303" // a pinned id that nothing live has
	CodeLeftOut          = "OC304" // a selected change needs one that is not selected
	CodeUnknownRole      = "OC305" // a role that the organization does not have
	CodeConflict         = "OC306" // what is declared does not go with what is live and not declared
	CodeNoTarget         = "OC307" // a reference to something that is not there
	CodeMistakenID       = "OC308" // a deletion by an id whose object has another name
	CodeTaken            = "OC309" // another entry's id has taken the live object of this name
	CodeImmutable        = "OC310" // a create-only field differs
	CodeProtected        = "OC311" // protect: true on an object that would be deleted or stopped
	CodeEndpointInUse    = "OC312" // an endpoint in use whose registration would be removed
	CodeNotPruned        = "OC313" // an undeclared object of a collection in which something is uncertain
	CodeAttachedEndpoint = "OC320" // an endpoint in use whose description differs
	CodeUnread           = "OC321" // the API does not answer about something that is declared
	CodeUnhealthy        = "OC322" // a service reports degraded or failed
	CodeRefused          = "OC323" // the key may not read something that is declared
	CodeByHand           = "OC324" // an update that leaves something to do by hand
	CodeRenamed          = "OC325" // a creation that may be an undeclared object under another name
	CodeDeleteLeave      = "OC330" // apply needs a leave to delete
	CodeSecretSink       = "OC331" // apply needs a place for secrets
	CodeTaggedOnly       = "OC332" // a password would be set because of a tag that anybody can write

	CodeAdmins        = "OC340" // too few administrators would be left
	CodeCallerKey     = "OC341" // the calling key would be deleted, disabled or expired
	CodeCallerRoles   = "OC342" // the calling key would lose its admin role, or all that it may do
	CodeCallerAddress = "OC343" // the calling key would no longer be accepted from where it is used
	CodeWayIn         = "OC344" // a service would lose its last way in
	CodeMaxDeletes    = "OC345" // too much of a collection would be pruned
	CodeEmptyDesired  = "OC346" // a collection would be pruned of which nothing is declared
	CodeFirstAdoption = "OC347" // a collection would be pruned of which nothing declared is live
	CodeSecondaries   = "OC348" // a primary would go or stop before its secondaries are gone
	CodeQuota         = "OC349" // more services than the organization may have
	CodeExpired       = "OC350" // a key would be created after its expiry
	CodeForbidden     = "OC351" // a service would be allowed what the organization forbids
	CodeKeyLimit      = "OC352" // more keys than an organization may have, unless agreed otherwise
	CodeExposed       = "OC353" // a service or key would be open to every address
)
