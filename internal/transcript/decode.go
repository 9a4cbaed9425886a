package transcript

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	xunicode "golang.org/x/text/encoding/unicode"

	"github.com/exgrant/exgrant/internal/textfile"
)

// decodeReader makes UTF-8 of what Windows writes: `> file` of Windows PowerShell is
// UTF-16 with a mark, some tools leave the mark away. Other encodings are left for
// decode, which sees whole lines.
func decodeReader(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(4) // an error comes again when it is read
	switch order, mark := textfile.Encoding(head); {
	case order == nil:
		return b
	case order == binary.ByteOrder(binary.BigEndian):
		return xunicode.UTF16(xunicode.BigEndian, markPolicy(mark)).NewDecoder().Reader(b)
	default:
		return xunicode.UTF16(xunicode.LittleEndian, markPolicy(mark)).NewDecoder().Reader(b)
	}
}

func markPolicy(mark int) xunicode.BOMPolicy {
	if mark > 0 {
		return xunicode.UseBOM
	}
	return xunicode.IgnoreBOM
}

// decode makes a text of bytes: what a mail did to it is undone, also where only its
// body was pasted, and what is not UTF-8 is read in the code page that makes words of it.
func decode(data []byte) string {
	data = bytes.TrimPrefix(data, []byte{0xEF, 0xBB, 0xBF})
	if text, ok := mailText(data); ok {
		data = text
	} else if isQuotedPrintable(data) {
		if plain, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(data))); err == nil || len(plain) > 0 {
			data = plain
		}
	}
	if utf8.Valid(data) {
		return unscramble(string(data))
	}
	return decodePage(data)
}

// isQuotedPrintable says whether nearly each "=" begins two digits or ends its line,
// and one of the escapes is there that mails cannot do without.
func isQuotedPrintable(data []byte) bool {
	escapes, others, sure := 0, 0, 0
	for i := bytes.IndexByte(data, '='); i >= 0 && i < len(data); {
		rest := data[i+1:]
		switch {
		case bytes.HasPrefix(rest, []byte("\n")), bytes.HasPrefix(rest, []byte("\r\n")):
			escapes++
			sure++
		case len(rest) >= 2 && isHex(rest[0]) && isHex(rest[1]):
			escapes++
			switch string(rest[:2]) {
			case "3D", "20", "27", "E2", "C3", "C2", "92", "93", "94", "A0":
				sure++
			}
		default:
			others++
		}
		next := bytes.IndexByte(rest, '=')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return sure > 0 && others*8 <= escapes
}

func isHex(b byte) bool { return b >= '0' && b <= '9' || b >= 'A' && b <= 'F' }

// pages are the code pages of Windows and of its console in which errors are pasted.
// Of those that make equally good words of a text the first counts.
var pages = []encoding.Encoding{
	charmap.Windows1252, charmap.CodePage850, charmap.CodePage437, charmap.Windows1250, charmap.CodePage852,
	charmap.Windows1251, charmap.CodePage866, japanese.ShiftJIS, simplifiedchinese.GBK, korean.EUCKR,
}

// decodePage tries the pages on the start of the text: decided by few letters, read
// by one page.
func decodePage(data []byte) string {
	sample := data[:min(len(data), 64<<10)]
	best, most := pages[0], -1<<31
	for _, page := range pages {
		text, err := page.NewDecoder().Bytes(sample)
		if err != nil {
			continue
		}
		if n := wordiness(string(text)); n > most {
			best, most = page, n
		}
	}
	text, err := best.NewDecoder().Bytes(data)
	if err != nil {
		return strings.ToValidUTF8(string(data), string(utf8.RuneError))
	}
	return string(text)
}

// wordiness is greater the more the letters beyond ASCII look like words of one
// language: those that are common there, beside letters of the same script and of
// the same case.
func wordiness(s string) int {
	n, previous := 0, ' '
	for _, r := range s {
		if r >= 0x80 {
			n += letterWorth(r, previous)
		}
		previous = r
	}
	return n
}

func letterWorth(r, previous rune) int {
	switch {
	case previous >= 0x80 && r < 0x250 && unicode.IsLetter(r):
		return -6 // in a language of Latin letters two such together are rare
	case strings.ContainsRune("äöüßéèàçêâîôûùëïñóíáúãõìò", r):
		return 4
	case strings.ContainsRune("ÄÖÜÉÀÇÑ’‘“”„«»…¿¡", r):
		if unicode.IsLower(previous) && unicode.IsUpper(r) {
			return -4
		}
		return 2
	case strings.ContainsRune("ąćęłńśźżáčďěňřšťůýžőű", r):
		return 3
	case unicode.In(r, unicode.Cyrillic, unicode.Hangul) && (previous >= 'a' && previous <= 'z' || previous >= 'A' && previous <= 'Z'):
		return -6 // no word begins in one script and goes on in another
	case unicode.Is(unicode.Cyrillic, r):
		if unicode.IsUpper(r) && unicode.IsLower(previous) {
			return -4
		}
		if r >= 'а' && r <= 'я' {
			return 3
		}
		return 1
	case unicode.In(r, unicode.Hiragana, unicode.Katakana) && r < 0xFF00:
		return 9
	case unicode.Is(unicode.Hangul, r):
		return 5
	case unicode.Is(unicode.Han, r) && strings.ContainsRune("的无法处理请求错误消息连接到远程服务器失败拒绝访问用户户端证书名称该有关详细信息参阅帮助主题此命令接続情報要求処理名前", r):
		return 6
	case unicode.Is(unicode.Han, r):
		return 2
	case r >= 0x3000 && r <= 0x3020 || r >= 0xFF00 && r <= 0xFF20:
		return 4
	case r == utf8.RuneError:
		return -12
	default:
		return -3
	}
}

// unscramble mends UTF-8 that was read as windows-1252 on its way.
func unscramble(s string) string {
	if !strings.Contains(s, "â€") && !strings.Contains(s, "Ã") && !strings.Contains(s, "Â") {
		return s
	}
	data, err := charmap.Windows1252.NewEncoder().Bytes([]byte(s))
	if err != nil || !utf8.Valid(data) {
		return scrambled.Replace(s)
	}
	return string(data)
}

var scrambled = strings.NewReplacer("â€™", "’", "â€˜", "‘", "â€œ", "“", "â€\u009d", "”", "â€¦", "…", "Â ", " ")
