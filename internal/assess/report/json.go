package report

import (
	"bytes"
	_ "embed" // for the schema
	"encoding/json"
	"fmt"
)

//go:embed schema.json
var schemaJSON string

// JSONSchema is the JSON Schema (draft 2020-12) of the JSON rendering.
func JSONSchema() string { return schemaJSON }

// JSON renders the report as indented JSON with a line feed at its end.
func JSON(r Report) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("cannot write the report as JSON: %w", err)
	}
	return out.Bytes(), nil
}
