//go:build js && wasm

// Command wasm is the page's generator: it gives the page one function,
// exgrantBuild(form as JSON), which returns the result as JSON, and lives as long as
// the page.
package main

import (
	"encoding/json"
	"syscall/js"

	"github.com/exgrant/exgrant/cmd/exgrant-page/builder"
)

func main() {
	js.Global().Set("exgrantBuild", js.FuncOf(func(_ js.Value, args []js.Value) any {
		var f builder.Form
		if len(args) != 1 {
			return nil
		}
		if err := json.Unmarshal([]byte(args[0].String()), &f); err != nil {
			return nil
		}
		out, err := json.Marshal(builder.Build(f))
		if err != nil {
			return nil
		}
		return string(out)
	}))
	js.Global().Call("exgrantReady")
	select {}
}
