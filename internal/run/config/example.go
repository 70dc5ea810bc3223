package config

import _ "embed" // for the example

// Example is a settings file that explains every setting and sets the defaults.
//
//go:embed example.yaml
var Example string
