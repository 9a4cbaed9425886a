package ewsd

// culture is the language of messages as xml:lang has it.
func (s *Server) culture() string {
	switch s.manners.Language {
	case "de":
		return "de-DE"
	case "zh":
		return "zh-CN"
	}
	return "en-US"
}

// text is the message of a refusal.
func (s *Server) text(f *refusal) string {
	if f.message != "" {
		return f.message
	}
	texts, ok := messages[f.code]
	if !ok {
		texts = messages[""]
	}
	switch s.manners.Language {
	case "de":
		return texts.de
	case "zh":
		return texts.zh
	}
	return texts.en
}

// messages are those of the codes that the simulator gives by itself. English ones
// are Microsoft's where public records have them; the German and Chinese ones are
// translations: what a client decides must not rest on any of them.
var messages = map[string]struct{ en, de, zh string }{
	"": {"The request could not be carried out.", "Die Anforderung konnte nicht ausgeführt werden.", "无法执行请求。"},
	"ErrorImpersonateUserDenied": {"The account does not have permission to impersonate the requested user.",
		"Das Konto besitzt nicht die Berechtigung, die Identität des angeforderten Benutzers anzunehmen.", "该帐户没有模拟所请求用户的权限。"},
	"ErrorNonExistentMailbox": {"The SMTP address has no mailbox associated with it.",
		"Der SMTP-Adresse ist kein Postfach zugeordnet.", "该 SMTP 地址没有关联的邮箱。"},
	"ErrorMissingEmailAddress": {"When making a request as an account that does not have a mailbox, you must specify the mailbox primary SMTP address for any distinguished folder Ids.",
		"Bei Anforderungen eines Kontos ohne Postfach muss die primäre SMTP-Adresse des Postfachs angegeben werden.", "以没有邮箱的帐户发出请求时，必须指定邮箱的主 SMTP 地址。"},
	"ErrorServerBusy": {"The server cannot service this request right now. Try again later.",
		"Der Server kann diese Anforderung zurzeit nicht verarbeiten. Versuchen Sie es später erneut.", "服务器现在无法处理此请求。请稍后再试。"},
	"ErrorInvalidServerVersion": {"The specified server version is invalid.", "Die angegebene Serverversion ist ungültig.", "指定的服务器版本无效。"},
	"ErrorSchemaValidation":     {"The request failed schema validation.", "Die Schemaüberprüfung der Anforderung ist fehlgeschlagen.", "请求的架构验证失败。"},
	"ErrorInvalidRequest":       {"The request is invalid.", "Die Anforderung ist ungültig.", "请求无效。"},
	"ErrorItemNotFound": {"The specified object was not found in the store.",
		"Das angegebene Objekt wurde im Informationsspeicher nicht gefunden.", "在存储中找不到指定的对象。"},
	"ErrorFolderNotFound": {"The specified folder could not be found in the store.",
		"Der angegebene Ordner wurde im Informationsspeicher nicht gefunden.", "在存储中找不到指定的文件夹。"},
	"ErrorAccessDenied":                  {"Access is denied. Check credentials and try again.", "Der Zugriff wurde verweigert. Überprüfen Sie die Anmeldeinformationen.", "访问被拒绝。请检查凭据，然后重试。"},
	"ErrorInvalidIdMalformed":            {"Id is malformed.", "Die ID ist fehlerhaft.", "Id 格式不正确。"},
	"ErrorInvalidUserPrincipalName":      {"The user principal name (UPN) isn't valid.", "Der Benutzerprinzipalname (UPN) ist ungültig.", "用户主体名称 (UPN) 无效。"},
	"ErrorInvalidUserSid":                {"The SID is invalid.", "Die SID ist ungültig.", "SID 无效。"},
	"ErrorNameResolutionNoResults":       {"No results were found.", "Es wurden keine Ergebnisse gefunden.", "未找到任何结果。"},
	"ErrorNameResolutionMultipleResults": {"Multiple results were found.", "Es wurden mehrere Ergebnisse gefunden.", "找到多个结果。"},
	"ErrorMailboxMoveInProgress":         {"Mailbox move in progress. Try again later.", "Das Postfach wird verschoben. Versuchen Sie es später erneut.", "正在移动邮箱。请稍后再试。"},
}
