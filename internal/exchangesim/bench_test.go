package exchangesim

import (
	"context"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func BenchmarkNew(b *testing.B) {
	for _, name := range []string{"plain", "recipients-50000"} {
		sc := scenario(b, name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				New(sc, Options{})
			}
		})
	}
}

func BenchmarkCount50000(b *testing.B) {
	_, s := open(b, "recipients-50000")
	for _, filter := range []string{"Department -eq 'Population'", groupFilter("Groups")} {
		b.Run(filter[:4], func(b *testing.B) {
			for b.Loop() {
				n := 0
				count := func(exchange.Object) error { n++; return nil }
				if _, err := s.Invoke(context.Background(), exchange.Pipeline{commands.ListRecipients(filter, "")}, count); err != nil || n < 5000 {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkIdentity50000(b *testing.B) {
	_, s := open(b, "recipients-50000")
	for b.Loop() {
		if _, err := s.Invoke(context.Background(), exchange.Pipeline{commands.GetUser("user49999@contoso.test")}, func(exchange.Object) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
