// Package sim simulates one ClickHouse Cloud organization and the REST API that manages it. It is a product in itself: the
// sandbox of orgctl, and the bench of its tests.
//
// The simulator knows nothing of the rest of orgctl and shares no type with it, so that a mistake in the client cannot be made
// here too. It is strict where the real API is strict, and nasty where the real API is merely undocumented: bodies with an
// unknown field are refused, lists keep the order in which they grew, a DELETE of a running service is a conflict. What nobody
// has documented is a knob of Config, whose zero value is the most demanding reading that is still plausible.
//
// A Server answers over HTTP as an http.Handler and in process through Transport. It runs no goroutines and keeps no timers:
// time passes on a clock that Advance moves, and what time brings about is worked out when the next request comes.
//
// # What is served
//
// Under /v1: organizations, services with state, scaling, replicaScaling, password, private endpoints, backups, backup
// configuration and Prometheus output, API keys, members, invitations, roles (reading), quotas, and activities. Anything else
// under /v1 answers 404 with the JSON envelope; anything outside /v1 and /_sandbox answers 404 with HTML.
//
// # Control API
//
// Under /_sandbox, JSON in and out, without authentication, on loopback only. Errors are {"error": TEXT}.
//
//	GET    /_sandbox/state                     the organization as it is now, no secrets
//	GET    /_sandbox/requests                  the log of requests under /v1, see Request
//	DELETE /_sandbox/requests                  empty the log
//	GET    /_sandbox/config                    the configuration, see Config
//	PUT    /_sandbox/config                    replace the configuration
//	POST   /_sandbox/faults                    replace the fault rules: [{"method": "POST", "path": "**/services", "nth": 1, "kind": "cut-after"}]
//	POST   /_sandbox/clock                     move the clock: {"advance": "10m"}; answers {"now": TIME}
//	POST   /_sandbox/edit                      change, create or delete out of band, see Edit; answers Edited
//	POST   /_sandbox/invitations/WHO/accept    WHO (id or email) joins; answers {"userId": ID}
//	POST   /_sandbox/invitations/WHO/expire    the invitation of WHO ends now
//	POST   /_sandbox/verify-password           {"serviceId" or "name", "password"}; answers {"ok": BOOL, "mysql": BOOL}
//	POST   /_sandbox/verify-key                {"keyId", "keySecret"}; answers {"ok": BOOL}
package sim
