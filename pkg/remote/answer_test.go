package remote

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/clixml"
)

const trialNonce = "K7WQHXQJ5ZV2M3N4P5Q6R7S8T9"

// line is an answer as commands.ps1 writes it.
func line(number int, kind string, v any) string {
	xml, err := clixml.Encode(v)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s %d %s %d %s\r\n", trialNonce, number, kind, len(xml), base64.StdEncoding.EncodeToString(xml))
}

// Answers are found in whatever stands around them and in whatever pieces they come;
// one that is missing or damaged is not passed over.
func TestAnswerReader(t *testing.T) {
	one, two := line(1, answerObject, "a"), line(2, answerObject, "b")
	for name, test := range map[string]struct {
		output, want string
		err          string
	}{
		"two":                          {one + two, "a b", ""},
		"noise before, between and in": {"noise\r\nPS> " + one + "\x00\xff é\n" + "no end" + two + "rest", "a b", ""},
		"another nonce":                {strings.Replace(one, trialNonce, "A"+trialNonce[1:], 1) + one, "a", ""},
		"one comes twice":              {one + one + two, "a b", ""},
		"one is missing":               {two, "", "answers 1 to 1 are missing"},
		"a piece is missing":           {one[:len(one)-8] + two, "", "damaged"},
		"four letters are missing":     {one[:len(one)-10] + one[len(one)-6:] + two, "", "damaged"},
		"no line end yet":              {one + strings.TrimSpace(two), "a", ""},
		"no number":                    {trialNonce + " x END 0 \n", "", "damaged"},
		"no CLIXML":                    {trialNonce + " 1 END 4 " + base64.StdEncoding.EncodeToString([]byte("<Ob>")) + "\n", "", "cannot be read"},
		"a line without an end":        {strings.Repeat("x", maxAnswer+5) + "\n" + one, "a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1 << 30, 7} {
				if size == 7 && len(test.output) > 1<<20 {
					continue
				}
				r := answerReader{nonce: trialNonce}
				for rest := test.output; rest != ""; {
					piece := rest[:min(size, len(rest))]
					rest = rest[len(piece):]
					_, _ = r.Write([]byte(piece))
				}
				var got []string
				var err error
				for {
					a, ok, failed := r.next()
					if err = failed; !ok {
						break
					}
					got = append(got, a.text())
				}
				var damaged *garbledError
				if strings.Join(got, " ") != test.want || (err != nil) != (test.err != "") || err != nil && (!errors.As(err, &damaged) || !strings.Contains(err.Error(), test.err)) {
					t.Errorf("pieces of %d: %q, %v", size, got, err)
				}
			}
		})
	}
}

func FuzzAnswerReader(f *testing.F) {
	f.Add([]byte("noise " + line(1, answerObject, "a") + line(2, answerEnd, nil)))
	f.Add([]byte(trialNonce + " 1 OBJECT 3 QUJD\n" + trialNonce + " 3 END 0 \n"))
	f.Fuzz(func(t *testing.T, output []byte) {
		r := answerReader{nonce: trialNonce}
		_, _ = r.Write(output)
		n := 0
		for a, ok, _ := r.next(); ok; a, ok, _ = r.next() {
			n++
			_, _, _ = a.record()
		}
		if n > len(output)/len(trialNonce) || len(r.words) > maxWords {
			t.Errorf("%d answers, %d bytes of words", n, len(r.words))
		}
		_ = r.lastWords()
	})
}
