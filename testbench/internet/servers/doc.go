// Package servers owns the machines that names of the small internet point to:
// HTTPS, HTTP, MQTT with and without TLS, NTP and firmware downloads, and the
// public certificate authority that vouches for them. Which TLS a machine
// speaks is a Profile. It must not know zones: which names exist is asked.
package servers
