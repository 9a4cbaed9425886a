package fault

import "strings"

// A sentence is what one of the products says in another language than English, as far
// as a rule needs it. What nobody was seen to write is not here: the fields of an error
// that have no language decide then.
type sentence struct {
	meaning  meaning
	language string // its tag, such as "zh-Hans"; "mul" for more than one
	pattern  string // an expression, as in Rule.Text
	example  string // as it was seen, shortened
	source   string // of the example: see below
}

// A meaning is what a sentence says.
type meaning int

const (
	saysDenied meaning = iota
	saysNoCmdlet
	saysNoParameter
	saysDelegating
	saysNoPermission
	saysNotFound
	saysServerFault
	saysLoad
	saysShells
	saysDisabled
	saysNoName
	saysNoConnection
	saysRefused
	saysNoDelegation
	saysNotEncrypted
	saysFirewall
	saysNoTrust
	saysError
	saysRemoteServer
)

// Addresses of pages that show what a service of the same kind says, in two languages.
const (
	docsES = "https://github.com/MicrosoftDocs/OfficeDocs-SkypeForBusiness-pr.es-ES/blob/0315e4a87d27b39dc801e2d9c2259b5a618a5b88/Skype/SfbOnline/set-up-your-computer-for-windows-powershell/diagnose-problems-with-the-skype-for-business-online-connector.md"
	docsIT = "https://github.com/MicrosoftDocs/OfficeDocs-SkypeForBusiness-pr.it-IT/blob/06643c700825f4d38f296017dcd396fcb7fc8542/Skype/SfbOnline/set-up-your-computer-for-windows-powershell/diagnose-problems-with-the-skype-for-business-online-connector.md"
)

// sentences are all of them. A source is an address; an entry of the corpus of errors,
// which has its own; or "code search" and a number, which is a file of a public
// repository: the code search that the tests' corpus was collected with names no address.
var sentences = []sentence{
	// Access is denied.
	{saysDenied, "de", `Zugriff (?:wurde )?verweigert`, "PermissionError: [WinError 5] Zugriff verweigert", "code search 60532946369"},
	{saysDenied, "fr", `Acc[eè]s (?:est )?refus[eé]`, "La connexion au serveur distant a échoué avec le message d’erreur suivant : « accès refusé ».", "corpus t2-connect_auth-07"},
	{saysDenied, "es", `Acceso denegado`, "ERROR: Acceso denegado.", "code search 71251309849"},
	{saysDenied, "it", `Accesso negato`, "PermissionError: [WinError 5] Accesso negato", "code search 70247731991"},
	{saysDenied, "pt", `Acesso negado`, "Falha ao conectar-se ao servidor remoto com a seguinte mensagem de erro: \"acesso negado\".", "corpus t2-connect_auth-09"},
	{saysDenied, "ja", `アクセスが拒否`, "への接続に失敗し、次のエラー メッセージが返されました: アクセスが拒否されました。", "https://github.com/MicrosoftDocs/OfficeDocs-Enterprise/issues/237"},
	{saysDenied, "zh-Hans", `拒绝访问`, "错误: 拒绝访问。", "code search 56523046472"},
	{saysDenied, "zh-Hant", `存取被拒`, "連線到遠端伺服器 192.168.31.102 失敗，傳回下列錯誤訊息: 存取被拒。", "code search 27590371773"},
	{saysDenied, "ru", `Отказано в доступе`, "Win32Exception (5): Отказано в доступе.", "code search 71150930041"},

	// The term is not recognized as the name of a cmdlet, function, script file, or operable program.
	{saysNoCmdlet, "de", `nicht als Name eines Cmdlet`, "Die Benennung \"d:\\\" wurde nicht als Name eines Cmdlet erkannt", "code search 68406596648"},
	{saysNoCmdlet, "nl", `herkend als de naam van een cmdlet`, "wordt niet herkend als de naam van een cmdlet, functie, scriptbestand of uitvoerbaar programma.", "corpus t2-cmdlet_missing-04"},
	{saysNoCmdlet, "pl", `rozpoznan[ya] jako nazwa polecenia cmdlet`, "Termin \"Get-WBJob\" nie został rozpoznany jako nazwa polecenia cmdlet", "corpus t2-cmdlet_missing-05"},
	{saysNoCmdlet, "cs", `rozpoznán jako název rutiny`, "Termín 'Save-HDIFile' nebyl rozpoznán jako název rutiny, funkce, soubor skriptu", "code search 30214313199"},
	{saysNoCmdlet, "fr", `reconnu comme nom d'applet de commande`, "php : Le terme «php» n'est pas reconnu comme nom d'applet de commande, fonction, fichier de script", "https://github.com/MScholtes/PS2EXE/issues/94"},
	{saysNoCmdlet, "es", `reconoce como nombre de un cmdlet`, "El término 'openssl' no se reconoce como nombre de un cmdlet, función, archivo de script", "code search 61731942863"},
	{saysNoCmdlet, "it", `riconosciuto come nome di cmdlet`, "Termine 'mysql' non riconosciuto come nome di cmdlet, funzione", "code search 53740469565"},
	{saysNoCmdlet, "pt", `reconhecido como nome de (?:um )?cmdlet`, "O termo 'mvn' não é reconhecido como nome de cmdlet, função, arquivo de script", "code search 71093482070"},
	{saysNoCmdlet, "ja", `コマンドレット、関数、スクリプト`, "用語 'node' は、コマンドレット、関数、スクリプト ファイル、または操作可能なプログラムの名前として認識されません", "code search 59123679496"},
	{saysNoCmdlet, "zh-Hans", `识别为 ?cmdlet`, "无法将“gradlew”项识别为 cmdlet、函数、脚本文件或可运行程序的名称。", "https://github.com/safebuffer/vulnerable-AD/issues/16"},
	{saysNoCmdlet, "ru", `распознано как имя командлета`, "Имя \"psql\" не распознано как имя командлета, функции, файла сценария", "code search 24725736473"},
	// In most languages: 'Name' ... cmdlet, function, script file or program.
	{saysNoCmdlet, "mul", `["'].{0,60}\bcmdlet ?[,、，] ?[^,、，.;:"']{2,30}[,、，] ?[^,、，.;:"']{2,60}`, "'x' wordt niet herkend als de naam van een cmdlet, functie, scriptbestand of uitvoerbaar programma.", "corpus t2-cmdlet_missing-04"},

	// A parameter cannot be found that matches parameter name.
	{saysNoParameter, "de", `kein Parameter gefunden, der dem Parameternamen`, "Start-Process : Es wurde kein Parameter gefunden, der dem Parameternamen \"NoExit\" entspricht.", "code search 21183334085"},
	{saysNoParameter, "fr", `trouver un paramètre correspondant au nom`, "Impossible de trouver un paramètre correspondant au nom «HomePath».", "code search 68313027672"},
	{saysNoParameter, "es", `ningún parámetro que coincida con el nombre`, "No se encuentra ningún parámetro que coincida con el nombre del parámetro 'List'.", "code search 9115542408"},
	{saysNoParameter, "it", `parametro corrispondente al nome del parametro`, "Non è possibile trovare un parametro corrispondente al nome del parametro \"EmailAddresses\"", "code search 29401353079"},
	{saysNoParameter, "pt", `parâmetro que coincida com o nome`, "Não é possível localizar um parâmetro que coincida com o nome de parâmetro 'Chord'.", "code search 23381357650"},
	{saysNoParameter, "ja", `に一致するパラメーターが見つかりません`, "パラメーター名 'k' に一致するパラメーターが見つかりません。", "code search 59083349584"},
	{saysNoParameter, "zh-Hans", `找不到与参数名称.{1,80}匹配的参数`, "Invoke-WebRequest : 找不到与参数名称“X”匹配的参数。", "code search 56278540513"},
	{saysNoParameter, "ru", `параметр, соответствующий имени`, "Remove-Item : Не удается найти параметр, соответствующий имени параметра \"rf\".", "code search 47588940683"},

	// Delegating role assignment: the term, as the product's documentation has it.
	{saysDelegating, "de", `delegierende \S*Rollenzuweisung`, "Erstellen Sie delegierende Rollenzuweisungen zwischen der neuen Rollengruppe", "code search 40756370885"},
	{saysDelegating, "fr", `attribution de rôle de délégation`, "Une attribution de rôle de délégation à chaque rôle de gestion", "code search 22224051187"},
	{saysDelegating, "es", `asignación de roles? de delegación`, "mediante la asignación de roles de delegación", "code search 39733040076"},
	{saysDelegating, "it", `assegnazione di ruolo di delega`, "Non è possibile creare un'assegnazione di ruolo di delega a un criterio", "code search 46315206725"},
	{saysDelegating, "pt", `atribuição de função de delegação`, "Uma atribuição de função de delegação para cada função de gerenciamento", "code search 8053148967"},
	{saysDelegating, "ja", `委任役割`, "委任役割割り当てを役割グループに割り当てると", "code search 38397089419"},
	{saysDelegating, "zh-Hans", `委派(?:管理)?角色分配`, "创建委派角色分配", "code search 49408963175"},

	// The user does not have permission to manage this tenant; others say RBAC.
	{saysNoPermission, "fr", `n'est pas autorisé à gérer ce client`, "L’utilisateur « user@foo.com » n’est pas autorisé à gérer ce client.", "code search 34192083924"},
	{saysNoPermission, "it", `non dispone dell'autorizzazione`, "L'utente 'user@foo.com' non dispone dell'autorizzazione per gestire questo tenant.", "code search 23556550834"},

	// Exchange: the object couldn't be found on a domain controller.
	{saysNotFound, "de", `Objekt ["'][^"']{1,400}["'](?: nicht auf ["'][^"']{1,255}["'] gefunden| (?:wurde |konnte )?auf ["'][^"']{1,255}["'] nicht gefunden)`, "weil das Objekt 'Server.Network.local' nicht auf 'Server.Network.local' gefunden wurde", "code search 57529618635"},

	// EWS: an internal server error occurred. The operation failed.
	{saysServerFault, "de", `Interner Serverfehler\. Fehler bei diesem Vorgang`, "Exception 'SoapFault' with message 'Interner Serverfehler. Fehler bei diesem Vorgang.'", "https://github.com/jamesiarmes/php-ews/issues/518"},

	// WinRM: the system load quota has been exceeded; the next request after so many milliseconds.
	{saysLoad, "mul", `\bWS-[a-z].{0,200} [0-9]{2,6} [^.0-9]{1,40} 2 se[cgk][a-z]{3,8}\b.{0,400}mill?iss?e[cgk]`, "Die Anforderung kann vom WS-Verwaltungsdienst nicht verarbeitet werden. Das Systemlastenkontingent von 1000 Anforderungen pro 2 Sekunden wurde überschritten. Die nächste Anforderung wird mindestens -2147483648 Millisekunden nicht genehmigt.", "corpus throttled-01"},
	{saysLoad, "de", `Systemlastenkontingent`, "Das Systemlastenkontingent von 1000 Anforderungen pro 2 Sekunden wurde überschritten.", "corpus throttled-01"},
	{saysLoad, "ja", `システム負荷`, "システム負荷クォータ (2 秒あたりの要求数 1000) を超過しています。", "https://learn.microsoft.com/archive/blogs/exchangeteamjp/exchange-2010-3"},
	{saysLoad, "ja", `(?:WinRM|WS-Man).{0,600}ミリ秒`, "WS-Management サービスは要求を処理できません。少なくとも <非常に大きな値> ミリ秒が経過するまで承認されません。", "https://learn.microsoft.com/archive/blogs/exchangeteamjp/exchange-2010-3"},

	// WinRM: the maximum number of concurrent shells for this user has been exceeded.
	{saysShells, "mul", `m[aáà](?:x|ss)im.{0,60}\bshells?\b`, "Le nombre maximal de shells simultanés pour cet utilisateur a été dépassé.", "corpus connect_quota-07"},
	{saysShells, "ko", `최대 ?[^.]{0,20} ?셸`, "이 사용자의 최대 동시 셸 수를 초과했습니다.", "code search 40005432162"},
	{saysShells, "zh-Hans", `最大.{0,12}外壳|外壳.{0,12}最大`, "已超过此用户的最大并发外壳数。", "corpus connect_quota-11"},
	{saysShells, "zh-Hant", `殼層.{0,12}最大`, "已超過此使用者的並行殼層最大數目。", "code search 9123139303"},
	{saysShells, "ja", `シェル.{0,12}最大`, "このユーザーが同時に実行できるシェルの最大数を超過しています。", "code search 2689548913"},
	{saysShells, "ru", `максим.{0,60}оболоч`, "Превышено максимальное число параллельных оболочек для этого пользователя", "code search 42501243718"},

	// Remote PowerShell is disabled for this account.
	{saysDisabled, "de", `PowerShell.{0,80}deaktiviert`, "mit einer PowerShell-Remotesitzung wurde deaktiviert.", "code search 35720225041"},
	{saysDisabled, "fr", `PowerShell.{0,80}désactiv`, "à l'aide d'une session PowerShell distante a été désactivée.", "code search 37022598053"},
	{saysDisabled, "es", `se ha deshabilitado .{0,120}PowerShell`, "se ha deshabilitado la capacidad de conectarse a este espacio empresarial mediante una sesión remota de PowerShell.", docsES},
	{saysDisabled, "it", `PowerShell.{0,80}(?:disabilit|disattiv)`, "tramite una sessione remota di PowerShell è stata disattivata.", docsIT},
	{saysDisabled, "pt", `PowerShell.{0,80}desativ`, "usando uma sessão PowerShell remota tiver sido desativada.", "code search 39751331876"},
	{saysDisabled, "ja", `PowerShell.{0,80}無効`, "リモート PowerShell セッションを使ってこのテナントに接続する機能は無効になっています。", "code search 3053151332"},
	{saysDisabled, "ko", `PowerShell.{0,80}(?:비활성화|사용하지 않도록 설정)`, "원격 PowerShell 세션을 사용하여 이 테넌트에 연결하는 기능이 비활성화되었습니다.", "code search 40582954297"},
	{saysDisabled, "zh-Hans", `PowerShell.{0,80}禁用`, "使用远程 PowerShell 会话连接到此租户的能力已被禁用。", "code search 2559100921"},
	{saysDisabled, "zh-Hant", `PowerShell.{0,80}停用`, "使用遠端 PowerShell 工作階段連線至此租用戶的功能已停用。", "code search 9503227918"},
	{saysDisabled, "ru", `PowerShell.{0,80}отключен`, "с использованием удаленного сеанса PowerShell отключена", "corpus connect_auth-17"},

	// WinRM: the server name cannot be resolved. .NET: the remote name could not be resolved.
	{saysNoName, "de", `Servername (?:konnte )?nicht aufgelöst|Remotename konnte nicht aufgelöst`, "da der Servername nicht aufgelöst werden kann. WinRM-Fehlercode: 0x803381B9", "code search 28095981440"},
	{saysNoName, "ja", `サーバー名を解決できない|リモート名を解決できません`, "WinRM クライアントは、サーバー名を解決できないため、要求を処理できません。", "corpus t2-connect_network-05"},
	{saysNoName, "zh-Hans", `无法解析服务器名称|未能解析此远程名称`, "因为无法解析服务器名称。 WinRM 错误代码:0x803381B9", "code search 14541802481"},
	{saysNoName, "fr", `nom distant n'a pas pu être résolu`, "WebException: Le nom distant n'a pas pu être résolu: 'vcenter'", "code search 66466874584"},
	{saysNoName, "es", `no se puede resolver el nombre remoto`, "No se puede resolver el nombre remoto: 'smtp.gmail.com'", "code search 59666892809"},
	{saysNoName, "it", `impossibile risolvere il nome remoto`, "Impossibile risolvere il nome remoto", "code search 27327621387"},
	{saysNoName, "pt", `nome remoto não pôde ser resolvido`, "O nome remoto não pôde ser resolvido: 'm.correios.com.br'", "code search 14821684321"},
	{saysNoName, "ru", `невозможно разрешить удаленное имя`, "WebException: Невозможно разрешить удаленное имя: 'api.exmo.com'", "code search 1330311749"},

	// .NET: unable to connect to the remote server.
	{saysNoConnection, "de", `Verbindung mit dem Remoteserver kann nicht hergestellt`, "WebException: Die Verbindung mit dem Remoteserver kann nicht hergestellt werden.", "code search 16031562281"},
	{saysNoConnection, "fr", `impossible de se connecter au serveur distant`, "Impossible de se connecter au serveur distant", "code search 61047876988"},
	{saysNoConnection, "es", `no es posible conectar con el servidor remoto`, "Invoke-RestMethod : No es posible conectar con el servidor remoto", "code search 49539423128"},
	{saysNoConnection, "it", `impossibile effettuare la connessione al server remoto`, "Invoke-RestMethod : Impossibile effettuare la connessione al server remoto.", "code search 53109766167"},
	{saysNoConnection, "ru", `невозможно соединиться с удаленным сервером`, "Invoke-WebRequest : Невозможно соединиться с удаленным сервером", "code search 13258789787"},
	{saysNoConnection, "zh-Hans", `无法连接到远程服务器`, "错误: 无法连接到远程服务器", "code search 35210188325"},
	{saysNoConnection, "ja", `リモート サーバーに接続できません`, "Invoke-WebRequest : リモート サーバーに接続できません。", "code search 56582168501"},

	// Windows: the connected party did not properly respond after a period of time.
	{saysNoConnection, "de", `nach einer bestimmten Zeitspanne nicht richtig reagiert`, "TimeoutError: [WinError 10060] Ein Verbindungsversuch ist fehlgeschlagen, da die Gegenstelle nach einer bestimmten Zeitspanne nicht richtig reagiert hat", "code search 44579922463"},

	// Windows: the target machine actively refused the connection.
	{saysRefused, "de", `da der Zielcomputer die Verbindung verweigerte`, "TCP-Fehlercode \"10061\": Es konnte keine Verbindung hergestellt werden, da der Zielcomputer die Verbindung verweigerte.", "code search 37527681741"},

	// WinRM: a computer policy does not allow the delegation of the user credentials to the target computer.
	{saysNoDelegation, "ja", `ユーザー資格情報をこのターゲット コンピューターに委任`, "このユーザー資格情報をこのターゲット コンピューターに委任することは、コンピューター ポリシーにより許可されません。", "code search 36236989997"},

	// WinRM: unencrypted traffic.
	{saysNotEncrypted, "ru", `незашифрованн`, "По умолчанию незашифрованный трафик не включен.", "code search 45639512693"},

	// WinRM: a firewall exception for the WinRM service.
	{saysFirewall, "fr", `pare-feu`, "Exception de pare-feu WinRM activée.", "code search 39064450138"},
	{saysFirewall, "ja", `ファイアウォール`, "WinRM ファイアウォールの例外を有効にしました。", "code search 18431591629"},
	{saysFirewall, "zh-Hans", `防火墙`, "为 WS-Management 通信启用防火墙例外(仅适用于 http)", "code search 42761052567"},
	{saysFirewall, "zh-Hant", `防火牆`, "防火牆例外狀況已啟用", "code search 43638146333"},
	{saysFirewall, "ru", `брандмауэр`, "Включает исключение брандмауэра для WS-Management связи.", "code search 46021775444"},

	// .NET: could not establish trust relationship for the SSL/TLS secure channel.
	{saysNoTrust, "de", `keine Vertrauensstellung für den sicheren SSL`, "Es konnte keine Vertrauensstellung für den sicheren SSL/TLS-Kanal hergestellt werden", "code search 24411065736"},
	{saysNoTrust, "fr", `relation de confiance pour le canal sécurisé SSL`, "Impossible d'établir une relation de confiance pour le canal sécurisé SSL/TLS", "code search 11129802201"},
	{saysNoTrust, "es", `relación de confianza para el canal seguro SSL`, "establecer una relación de confianza para el canal seguro SSL/TLS", "code search 68874218763"},
	{saysNoTrust, "it", `relazione di trust per il canale sicuro SSL`, "stabilire una relazione di trust per il canale sicuro SSL/TLS.", "code search 22718800316"},
	{saysNoTrust, "pt", `relação de confiança para o canal seguro de SSL`, "estabelecer relação de confiança para o canal seguro de SSL/TLS", "code search 49629275380"},
	{saysNoTrust, "ru", `доверительные отношения для защищенного канала SSL`, "установить доверительные отношения для защищенного канала SSL/TLS", "code search 52152807900"},
	{saysNoTrust, "zh-Hans", `SSL/TLS ?安全通道建立信任关系`, "基础连接已经关闭: 未能为 SSL/TLS 安全通道建立信任关系。", "code search 66527770769"},
	{saysNoTrust, "ja", `チャネルに対する信頼関係を確立できません`, "保護されているチャネルに対する信頼関係を確立できませんでした。", "code search 30983589886"},

	// A server has returned an error: (404).
	{saysError, "de", `fehler`, "Der Remoteserver hat einen Fehler zurückgegeben: (401) Nicht autorisiert.", "code search 29003794187"},
	{saysError, "ru", `ошибк`, "Удаленный сервер возвратил ошибку: (404) Не найден.", "code search 51966247050"},

	// PowerShell: connecting to the remote server, or processing its data, failed.
	{saysRemoteServer, "de", `Remoteserver`, "Beim Verbinden mit dem Remoteserver", "corpus connect_auth-12"},
	{saysRemoteServer, "fr", `serveur distant`, "La connexion au serveur distant admin.vdomain.com a échoué", "corpus connect_quota-07"},
	{saysRemoteServer, "es", `servidor remoto`, "Error al procesar datos del servidor remoto", "corpus access_denied-21"},
	{saysRemoteServer, "it", `server remoto`, "Connessione al server remoto admin.vdomain.com non riuscita", "corpus connect_quota-09"},
	{saysRemoteServer, "ru", `удаленн[а-я]+ сервер`, "Сбой обработки данных, полученных от удаленного сервера", "corpus connect_auth-17"},
	{saysRemoteServer, "ja", `リモート サーバー`, "リモート サーバー api.interfaces.records.teams.microsoft.com への接続に失敗し", "corpus t2-connect_network-05"},
	{saysRemoteServer, "ko", `원격 서버`, "[admin.vdomain.com] 원격 서버 admin.vdomain.com 연결에 실패했습니다.", "code search 40005432162"},
	{saysRemoteServer, "zh-Hant", `遠端伺服器`, "連線到遠端伺服器 admin.vdomain.com 失敗", "code search 9123139303"},
	{saysRemoteServer, "zh-Hans", `远程服务器`, "处理远程服务器 admin.vdomain.com 中的数据失败", "corpus access_denied-24"},
}

// spoken is the expression that matches what is said in other languages.
func spoken(m meaning) string {
	var patterns []string
	for _, s := range sentences {
		if s.meaning == m {
			patterns = append(patterns, s.pattern)
		}
	}
	return strings.Join(patterns, "|")
}
