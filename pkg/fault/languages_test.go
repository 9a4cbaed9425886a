package fault

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"testing"
	"unicode"
)

// Each sentence is of a language, and has a source and an example that it matches; the
// rules themselves speak English alone.
func TestSentences(t *testing.T) {
	language := regexp.MustCompile(`^[a-z]{2,3}(?:-[A-Z][a-z]{3})?$`)
	source := regexp.MustCompile(`^(?:https://\S+|corpus [a-z0-9_-]+|code search [0-9]+)$`)
	seen := map[string]bool{}
	for _, s := range sentences {
		if !language.MatchString(s.language) {
			t.Errorf("%s: %q is no language", s.pattern, s.language)
		}
		if !source.MatchString(s.source) {
			t.Errorf("%s: %q is no source", s.pattern, s.source)
		}
		if !regexp.MustCompile(`(?i)` + s.pattern).MatchString(normalise(s.example)) {
			t.Errorf("%s does not match %q", s.pattern, s.example)
		}
		if seen[s.pattern] {
			t.Errorf("%s stands twice", s.pattern)
		}
		seen[s.pattern] = true
	}
	read := func(file string) []byte {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	rules := append(read("table.go"), read("clues.go")...)
	for _, name := range regexp.MustCompile(`\bsays[A-Z]\w+`).FindAll(read("languages.go"), -1) {
		if !bytes.Contains(rules, fmt.Appendf(nil, "spoken(%s)", name)) {
			t.Errorf("no rule asks for %s", name)
		}
	}
	for _, file := range []string{"table.go", "clues.go"} {
		text := read(file)
		if i := bytes.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsLetter(r) }); i >= 0 {
			t.Errorf("%s says something in another language: %.60s", file, text[i:])
		}
	}
}

// The three refusals of one service, as its documentation shows them in each language.
func TestRefusalsInEachLanguage(t *testing.T) {
	for _, c := range []struct{ want, text, source string }{
		{ConnectAuth, `Beim Verarbeiten von Daten vom Remoteserver "admin.vdomain.com" ist folgender Fehler aufgetreten: Die Möglichkeit zum Herstellen der Verbindung zu diesem Mandanten mit einer PowerShell-Remotesitzung wurde deaktiviert.`, "35720225041"},
		{ConnectAuth, `le traitement des données provenant du serveur distant admin.vdomain.com  a échoué avec le message d'erreur suivant : la possibilité de connexion à ce client à l'aide d'une session PowerShell distante a été désactivée.`, "37022598053"},
		{ConnectAuth, `Elaborazione dei dati provenienti dal server remoto admin.vdomain.com non riuscita con il seguente messaggio di errore: La possibilità di connettersi a questo tenant mediante una sessione remota di PowerShell è stata disabilitata.`, "23553005052"},
		{ConnectAuth, `リモート サーバー admin.vdomain.com からのデータの処理に失敗し、次のエラー メッセージが返されました:リモート PowerShell セッションを使ってこのテナントに接続する機能は無効になっています。`, "3053151332"},
		{ConnectAuth, `处理远程服务器 admin.vdomain.com 中的数据失败，并显示以下错误消息:使用远程 PowerShell 会话连接到此租户的能力已被禁用。`, "2559100921"},
		{ConnectAuth, `處理來自遠端伺服器 admin.vdomain.com 的資料失敗，傳回下列錯誤訊息:使用遠端 PowerShell 工作階段連線至此租用戶的功能已停用。`, "9503227918"},
		{ConnectAuth, `El procesamiento de datos desde un servidor remoto admin.vdomain.com ha producido un error con el siguiente mensaje de error: se ha deshabilitado la capacidad de conectarse a este espacio empresarial mediante una sesión remota de PowerShell. Póngase en contacto con la Ayuda de Lync`, "44784378754"},
		{ConnectAuth, `l'elaborazione dei dati da server remoto admin.Vdomain.com non è riuscita con il messaggio di errore seguente: la possibilità di connettersi al tenant tramite una sessione remota di PowerShell è stata disattivata.`, "41706135499"},
		{ConnectAuth, `dados de processamento de servidor remoto admin.vdomain.com falhou com a seguinte mensagem de erro: A capacidade de se conectar a este locatário usando uma sessão PowerShell remota tiver sido desativada.`, "39751331876"},
		{ConnectAuth, `원격 서버에서 데이터를 처리하지 admin.vdomain.com 다음 오류 메시지와 함께 실패했습니다. 원격 PowerShell 세션을 사용하여 이 테넌트에 연결하는 기능이 비활성화되었습니다.`, "40582954297"},
		{ConnectAuth, `다음 오류 메시지가 발생하여 admin.vdomain.com 원격 서버에서 데이터를 처리하지 못했습니다. 원격 PowerShell 세션을 사용하여 이 테넌트에 연결하는 기능이 사용하지 않도록 설정되었습니다.`, "40894740248"},
		{AccessDenied, `Beim Verarbeiten von Daten vom Remoteserver "admin.vdomain.com" ist folgender Fehler aufgetreten: Der Benutzer "user@foo.com" verfügt nicht über die Berechtigung zum Verwalten dieses Mandanten. Berechtigungen können gewährt werden, indem der Benutzer der entsprechenden RBAC-Rolle zugewiesen wird.`, "35216357817"},
		{AccessDenied, `le traitement des données provenant du serveur distant admin.vdomain.com a échoué avec le message d'erreur suivant : l'utilisateur « user@foo.com » n'est pas autorisé à géer ce client. Les autorisations peuvent être octroyées en affectant l'utilisateur au rôle RBAC approprié.`, "37307782086"},
		{AccessDenied, `Elaborazione dei dati provenienti dal server remoto admin.vdomain.com non riuscita con il seguente messaggio di errore: L'utente 'user@foo.com' non dispone dell'autorizzazione per gestire questo tenant. È possibile concedere autorizzazioni assegnando all'utente il ruolo Controllo degli accessi in base al ruolo appropriato.`, "23556550834"},
		{AccessDenied, `リモート サーバー admin.vdomain.com からのデータの処理に失敗し、次のエラー メッセージが返されました:ユーザー 'user@foo.com' はこのテナントを管理するための権限を持っていません。権限は、ユーザーを適切な RBAC 役割に割り当てることで付与できます。`, "2452518727"},
		{AccessDenied, `處理來自遠端伺服器 admin.vdomain.com 的資料失敗，傳回下列錯誤訊息:使用者 'user@foo.com' 沒有權限可管理此租用戶。只要為使用者指派適當的 RBAC 角色，即可授予權限。`, "9200303158"},
		{AccessDenied, `원격 서버 admin.vdomain.com 데이터 처리에 실패했습니다. 사용자 'user@foo.com'는 이 테넌트 관리 권한이 없습니다. 적절한 RBAC 역할에 사용자를 할당하여 권한을 부여할 수 있습니다.`, "39867618355"},
		{AccessDenied, `l'elaborazione dei dati da server remoto admin.Vdomain.com non è riuscita con il messaggio di errore seguente: l'utente "User@foo.com" non ha l'autorizzazione per la gestione del tenant. Le autorizzazioni possono essere concesse assegnando all'utente il ruolo RBAC appropriato.`, "41706135499"},
		{ConnectQuota, `Beim Verbinden mit dem Remoteserver "admin.vdomain.com" ist folgender Fehler aufgetreten: Die Anforderung kann vom WS-Verwaltungsdienst nicht verarbeitet werden. Die maximale Anzahl von gleichzeitigen Shells für diesen Benutzer wurde überschritten.`, "35526530332"},
		{ConnectQuota, `リモート サーバー admin.vdomain.com への接続に失敗し、次のエラー メッセージが返されました:WS-Management サービスは要求を処理できません。このテナントの同時シェルの最大数を超えました。`, "2523396506"},
		{ConnectQuota, `連線到遠端伺服器 admin.vdomain.com 失敗，傳回下列錯誤訊息:WS-Management 服務無法處理該要求。已超過此使用者的並行殼層最大數目。請關閉現有的殼層，或提高此使用者的配額。`, "9123139303"},
		{ConnectQuota, `원격 서버 admin.vdomain.com 연결에 실패했습니다. WS-Management 서비스에서 요청을 처리하지 못했습니다. 이 사용자에 대한 최대 동시 셸 수를 초과했습니다.`, "40005432162"},
		{ConnectQuota, `Error al conectarse al servidor remoto admin.vdomain.com. Mensaje de error: El servicio WS-Management no puede procesar la solicitud. Se ha superado el número máximo de shells simultáneos de este inquilino.`, "3670131773"},
	} {
		if got, rule := Classify(Evidence{Text: "New-PSSession : [admin.vdomain.com] " + c.text}); got.ID != c.want {
			t.Errorf("code search %s: %s by %s, want %s: %s", c.source, got.ID, rule.Name, c.want, c.text)
		}
	}
}
