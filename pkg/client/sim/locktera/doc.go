// Package locktera simulates the organization API of Locktera. It is built from documents alone: no reply of the real API was
// ever seen. Where the documents contradict each other or say nothing, Config has a setting, and docs/api-facts-locktera.md
// says what is known and how well. A client that agrees with this server agrees with the documents, and no more.
//
// The simulator knows nothing of the rest of orgctl and shares no type with it. A Server answers over HTTP as an http.Handler
// and in process through Transport; it runs no goroutines, and time passes on a clock that Advance moves.
//
// # What is served
//
// Under the prefix of Config (/api/v1): GET /org and /me; GET, PATCH and DELETE /orgs/ID; below that, GET access_log,
// children_audit, consumption and tags, GET and PUT customizations, GET and POST api_keys, DELETE api_keys/ID, POST children;
// and POST /orgs/import_orgs. Anything else there answers 404, what the documents call inactive included. Outside the prefix
// lives a web application, which answers 200 with HTML to everything, as the real hosts seem to do.
//
// # Control API
//
// Under /_sandbox, JSON in and out, without authentication, on loopback only. Errors are {"error": TEXT}.
//
//	GET    /_sandbox/state         the tree of organizations and the keys as they are now, no secrets
//	GET    /_sandbox/requests      the log of requests of the API
//	DELETE /_sandbox/requests      empty the log
//	GET    /_sandbox/config        the configuration, see Config
//	PUT    /_sandbox/config        replace the configuration
//	POST   /_sandbox/faults        replace the fault rules
//	POST   /_sandbox/clock         move the clock: {"advance": "1m"}; answers {"now": TIME}
//	POST   /_sandbox/edit          change, create or delete out of band, see Edit; answers Edited
//	POST   /_sandbox/verify-key    {"key"}; answers {"ok": BOOL}
package locktera
