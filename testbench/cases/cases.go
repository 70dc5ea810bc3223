// Package cases owns small captures of real programs in an isolated network, each
// with the verdicts that must come out of it. It holds only data and tests:
// evidence.pcapng is what was recorded, want.yaml says what a supplier and a buyer
// would both have to accept. It must not know how a verdict is found.
package cases
