// Package door decides who may open the local page: it owns the identity of the box
// towards browsers, its key, the sessions of the people who showed it, and how many
// connections and tries there may be. It must not know what the page shows.
//
// On loopback, for the demonstration, there is no ceremony. Everywhere else there is
// TLS with a certificate that the box made itself, whose fingerprint stands on its
// console, and a key that is shown there once.
package door
