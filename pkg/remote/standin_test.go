package remote_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// standIn answers as loop.ps1 does, from the model itself: a thousand accidents need no
// thousand processes. The real engine is in TestShellCut, and in all that has no
// accidents.
func standIn(ctx context.Context, s *exchangesim.Session, stdin io.Reader, stdout io.Writer) int {
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return 0
	}
	_, nonce, _ := strings.Cut(lines.Text(), "')))) ")
	nonce, _, _ = strings.Cut(nonce, " ")
	number := 0
	say := func(kind string, v any) {
		number++
		xml, err := clixml.Encode(v)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(stdout, "%s %d %s %d %s\r\n", nonce, number, kind, len(xml), base64.StdEncoding.EncodeToString(xml))
	}
	say("HELLO", nil)
	for lines.Scan() {
		if question, ok := strings.CutPrefix(lines.Text(), "?"); ok {
			say("IDLE", question)
			continue
		}
		if lines.Text() == "" {
			continue
		}
		command := commandOf(lines.Text())
		if command.Cmdlet == "Open-ExgExchange" {
			say("OBJECT", "FullLanguage")
			say("END", nil)
			continue
		}
		streams, err := s.Invoke(ctx, exchange.Pipeline{command}, func(o exchange.Object) error { say("OBJECT", serialized(o)); return nil })
		if err != nil {
			return 1
		}
		for i, r := range streams.Errors {
			kind := "ERROR"
			if streams.Failed && i == len(streams.Errors)-1 {
				kind = "FAILED"
			}
			say(kind, serialized(exchange.Object{Properties: []exchange.Property{{Name: "FullyQualifiedErrorId", Value: r.FullyQualifiedErrorID},
				{Name: "ExceptionType", Value: r.ExceptionType}, {Name: "Category", Value: r.Category}, {Name: "Reason", Value: r.Reason},
				{Name: "Activity", Value: r.Activity}, {Name: "TargetName", Value: r.TargetName}, {Name: "Message", Value: r.Message}}}))
		}
		say("END", nil)
	}
	return 0
}

// commandOf reads a command as commands.ps1 does.
func commandOf(line string) exchange.Command {
	var call struct {
		Cmdlet     string
		Parameters []struct {
			Name, Text string
			Texts      []string
			Value      any
		}
	}
	if err := json.Unmarshal([]byte(line), &call); err != nil {
		panic(err)
	}
	c := exchange.Command{Cmdlet: call.Cmdlet}
	for _, p := range call.Parameters {
		var v exchange.Value = exchange.Null{}
		switch value := p.Value.(type) {
		case bool:
			v = exchange.Bool(value)
		case float64:
			v = exchange.Int(value)
		}
		if p.Text != "" {
			v = exchange.String(p.Text[1:])
		}
		if len(p.Texts) > 0 {
			list := exchange.Strings{}
			for _, text := range p.Texts {
				list = append(list, text[1:])
			}
			v = list
		}
		c.Params = append(c.Params, exchange.Param{Name: p.Name, Value: v})
	}
	return c
}

// serialized is an object as PowerShell writes it.
func serialized(o exchange.Object) *clixml.Object {
	out := &clixml.Object{TypeNames: []string{o.TypeName}}
	for _, p := range o.Properties {
		v := p.Value
		switch value := v.(type) {
		case exchange.GUID:
			v = clixml.GUID(value)
		case time.Time:
			v = clixml.DateTime{Text: value.Format(time.RFC3339Nano)}
		case exchange.Object:
			v = serialized(value)
		case []string:
			list := &clixml.List{}
			for _, text := range value {
				list.Items = append(list.Items, text)
			}
			v = &clixml.Object{TypeNames: []string{"System.String[]"}, Value: list}
		}
		out.Members = append(out.Members, clixml.Property{Name: p.Name, Value: v})
	}
	return out
}
