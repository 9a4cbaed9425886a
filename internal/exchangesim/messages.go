package exchangesim

import (
	"fmt"
	"strings"
)

// A language is one in which servers answer.
type language int

const (
	english language = iota
	german
	japanese
)

// languageByName takes a language or a culture: de or de-AT.
func languageByName(name string) (language, bool) {
	name, _, _ = strings.Cut(strings.ToLower(name), "-")
	switch name {
	case "en":
		return english, true
	case "de":
		return german, true
	case "ja":
		return japanese, true
	}
	return english, false
}

// A message is a text in every language, with the verbs of package fmt. The
// English ones are those of public transcripts where there are any; the others
// say the same, so that nothing can rest on the sentence.
type message [3]string

func (m message) in(l language, args ...any) string { return fmt.Sprintf(m[l], args...) }

// What Exchange says.
var (
	msgNotFound = message{
		"The operation couldn't be performed because object '%s' couldn't be found on '%s'.",
		"Der Vorgang konnte nicht ausgeführt werden, da das Objekt '%s' auf '%s' nicht gefunden wurde.",
		"オブジェクト '%s' が '%s' で見つからなかったため、操作を実行できませんでした。",
	}
	msgAmbiguous = message{
		"The operation couldn't be performed because '%s' matches multiple entries.",
		"Der Vorgang konnte nicht ausgeführt werden, da '%s' mit mehreren Einträgen übereinstimmt.",
		"'%s' が複数のエントリと一致するため、操作を実行できませんでした。",
	}
	msgExists = message{
		"Active Directory operation failed on %s. The object '%s' already exists.",
		"Fehler bei Active Directory-Vorgang auf '%s'. Das Objekt '%s' ist bereits vorhanden.",
		"%s で Active Directory の操作が失敗しました。オブジェクト '%s' は既に存在します。",
	}
	msgDehydrated = message{
		"The command you tried to run isn't currently allowed in your organization. To run this command, you first need to run the command: Enable-OrganizationCustomization.",
		"Der Befehl, den Sie ausführen wollten, ist in Ihrer Organisation derzeit nicht zulässig. Um diesen Befehl auszuführen, müssen Sie zuerst den folgenden Befehl ausführen: Enable-OrganizationCustomization.",
		"実行しようとしたコマンドは、現在組織で許可されていません。このコマンドを実行するには、まず次のコマンドを実行する必要があります: Enable-OrganizationCustomization。",
	}
	msgAlreadyEnabled = message{
		"This operation is not required. Organization is already enabled for customization.",
		"Dieser Vorgang ist nicht erforderlich. Die Organisation ist bereits für Anpassungen aktiviert.",
		"この操作は必要ありません。組織のカスタマイズは既に有効になっています。",
	}
	msgServiceOffer = message{
		"This operation is not available in current service offer.",
		"Dieser Vorgang ist im aktuellen Dienstangebot nicht verfügbar.",
		"この操作は現在のサービス プランでは使用できません。",
	}
	msgHalfway = message{
		`The role assignment policy "%s" wasn't found. Make sure that you typed the identity correctly.`,
		`Die Rollenzuweisungsrichtlinie "%s" wurde nicht gefunden. Stellen Sie sicher, dass Sie die Identität richtig eingegeben haben.`,
		"役割の割り当てポリシー \"%s\" が見つかりませんでした。ID が正しく入力されていることを確認してください。",
	}
	msgNoDelegating = message{
		`You don't have access to create, change, or remove the "%s" management role assignment. You must be assigned a delegating role assignment to the management role or its parent in the hierarchy without a scope restriction.`,
		`Sie haben keinen Zugriff zum Erstellen, Ändern oder Entfernen der Verwaltungsrollenzuweisung "%s". Ihnen muss eine delegierende Rollenzuweisung für die Verwaltungsrolle oder deren übergeordnete Rolle in der Hierarchie ohne Bereichseinschränkung zugewiesen sein.`,
		`"%s" 管理役割の割り当てを作成、変更、または削除するためのアクセス許可がありません。スコープの制限なしで、管理役割または階層内のその親に対する委任役割の割り当てが必要です。`,
	}
	msgTransient = message{
		"An Active Directory error 0x51 occurred when trying to check the suitability of server '%s'. Error: 'Active directory response: The LDAP server is unavailable.'",
		"Active Directory-Fehler 0x51 beim Überprüfen der Eignung des Servers '%s'. Fehler: 'Active Directory-Antwort: Der LDAP-Server ist nicht verfügbar.'",
		"サーバー '%s' の適合性を確認しようとしたときに、Active Directory エラー 0x51 が発生しました。エラー: 'Active directory の応答: LDAP サーバーを利用できません。'",
	}
	msgThrottled = message{
		"The WS-Management service cannot process the request. The user load quota of 1000 requests per 2 seconds has been exceeded. Send future requests at a slower rate or raise the quota for this user. The next request from this user will not be approved for at least -2147483648 milliseconds.",
		"Die Anforderung kann vom WS-Verwaltungsdienst nicht verarbeitet werden. Das Benutzerlastenkontingent von 1000 Anforderungen pro 2 Sekunden wurde überschritten. Senden Sie künftige Anforderungen mit einer geringeren Übertragungsrate, oder erhöhen Sie das Kontingent für diesen Benutzer. Die nächste Anforderung dieses Benutzers wird mindestens -2147483648 Millisekunden nicht genehmigt.",
		"WS-Management サービスは要求を処理できません。ユーザーの負荷クォータである 2 秒あたり 1000 要求を超えました。今後の要求の送信頻度を下げるか、このユーザーのクォータを引き上げてください。このユーザーからの次の要求は、少なくとも -2147483648 ミリ秒間は承認されません。",
	}
	msgServerBusy = message{
		"The server is too busy to complete the request. Try again later.",
		"Der Server ist zu stark ausgelastet, um die Anforderung abzuschließen. Versuchen Sie es später erneut.",
		"サーバーがビジー状態のため、要求を完了できません。後でもう一度お試しください。",
	}
	msgReplyLost = message{
		"Processing data from remote server %s failed with the following error message: The I/O operation has been aborted because of either a thread exit or an application request. For more information, see the about_Remote_Troubleshooting Help topic.",
		"Beim Verarbeiten von Daten vom Remoteserver \"%s\" ist folgender Fehler aufgetreten: Der E/A-Vorgang wurde wegen eines Threadendes oder einer Anwendungsanforderung abgebrochen. Weitere Informationen finden Sie im Hilfethema \"about_Remote_Troubleshooting\".",
		"リモート サーバー %s からのデータを処理中に次のエラー メッセージが発生しました: スレッドの終了またはアプリケーションの要求によって、I/O 処理は中止されました。詳細については、about_Remote_Troubleshooting のヘルプ トピックを参照してください。",
	}
	msgExclusiveAsCustom = message{
		"The management scope object %s is an exclusive scope, and it can't be specified as parameter %s.",
		"Das Verwaltungsbereichsobjekt '%s' ist ein exklusiver Bereich und kann nicht als Parameter '%s' angegeben werden.",
		"管理スコープ オブジェクト %s は排他スコープであるため、パラメーター %s として指定できません。",
	}
	msgRegularAsExclusive = message{
		"The management scope object %s isn't an exclusive scope, and it can't be specified as parameter %s.",
		"Das Verwaltungsbereichsobjekt '%s' ist kein exklusiver Bereich und kann nicht als Parameter '%s' angegeben werden.",
		"管理スコープ オブジェクト %s は排他スコープではないため、パラメーター %s として指定できません。",
	}
	msgNotRecipientScope = message{
		"The management scope object %s isn't a recipient scope, and it can't be specified as parameter %s.",
		"Das Verwaltungsbereichsobjekt '%s' ist kein Empfängerbereich und kann nicht als Parameter '%s' angegeben werden.",
		"管理スコープ オブジェクト %s は受信者スコープではないため、パラメーター %s として指定できません。",
	}
	msgSeveralScopes = message{
		"You can't specify more than one recipient write scope for a management role assignment.",
		"Sie können für eine Verwaltungsrollenzuweisung nicht mehr als einen Empfängerschreibbereich angeben.",
		"管理役割の割り当てに複数の受信者書き込みスコープを指定することはできません。",
	}
	msgRoleWithoutWriteScope = message{
		`The management role "%s" has an implicit recipient write scope of None. A recipient write scope can't be specified for it.`,
		`Die Verwaltungsrolle "%s" hat den impliziten Empfängerschreibbereich "None". Ein Empfängerschreibbereich kann nicht angegeben werden.`,
		"管理役割 \"%s\" の暗黙的な受信者書き込みスコープは None です。受信者書き込みスコープは指定できません。",
	}
	msgRoleWithoutConfigScope = message{
		`The management role "%s" has an implicit configuration write scope of None. A configuration write scope can't be specified for it.`,
		`Die Verwaltungsrolle "%s" hat den impliziten Konfigurationsschreibbereich "None". Ein Konfigurationsschreibbereich kann nicht angegeben werden.`,
		"管理役割 \"%s\" の暗黙的な構成書き込みスコープは None です。構成書き込みスコープは指定できません。",
	}
	msgNotUnscoped = message{
		`The management role "%s" isn't an unscoped top-level role.`,
		`Die Verwaltungsrolle "%s" ist keine Rolle ohne Bereich auf oberster Ebene.`,
		"管理役割 \"%s\" はスコープのない最上位の役割ではありません。",
	}
	msgScopeInUse = message{
		`The management scope "%s" can't be removed because it's used by the management role assignment "%s".`,
		`Der Verwaltungsbereich "%s" kann nicht entfernt werden, da er von der Verwaltungsrollenzuweisung "%s" verwendet wird.`,
		"管理スコープ \"%s\" は管理役割の割り当て \"%s\" で使用されているため、削除できません。",
	}
	msgScopeEmpty = message{
		"You must specify a recipient, server, or database restriction filter or list for the management scope.",
		"Sie müssen für den Verwaltungsbereich einen Empfänger-, Server- oder Datenbankeinschränkungsfilter oder eine Liste angeben.",
		"管理スコープには、受信者、サーバー、またはデータベースの制限フィルターまたは一覧を指定する必要があります。",
	}
	msgTooLong = message{
		"The property value is invalid. The value can't exceed the maximum length of %[2]d characters. Property Name: %[1]s",
		"Der Eigenschaftswert ist ungültig. Der Wert darf die maximale Länge von %[2]d Zeichen nicht überschreiten. Eigenschaftsname: %[1]s",
		"プロパティ値が無効です。値は最大長である %[2]d 文字を超えることはできません。プロパティ名: %[1]s",
	}
	msgBadCharacter = message{
		"The property value you specified, \"%s\", isn't valid. The value can't contain the characters of a distinguished name. Property Name: %s",
		"Der angegebene Eigenschaftswert \"%s\" ist ungültig. Der Wert darf keine Zeichen eines Distinguished Name enthalten. Eigenschaftsname: %s",
		"指定したプロパティ値 \"%s\" は無効です。値に識別名の文字を含めることはできません。プロパティ名: %s",
	}
	msgBadValue = message{
		`The value "%s" isn't valid for parameter "%s".`,
		`Der Wert "%s" ist für den Parameter "%s" nicht gültig.`,
		"値 \"%s\" はパラメーター \"%s\" に対して無効です。",
	}
	msgNeedsAssignee = message{
		"The AssignmentMethod parameter can be used only together with the RoleAssignee parameter.",
		"Der AssignmentMethod-Parameter kann nur zusammen mit dem RoleAssignee-Parameter verwendet werden.",
		"AssignmentMethod パラメーターは RoleAssignee パラメーターと共に使用する必要があります。",
	}
	msgNotUniversalSecurity = message{
		`The group "%s" isn't a universal security group. Management roles can be assigned only to universal security groups and role groups.`,
		`Die Gruppe "%s" ist keine universelle Sicherheitsgruppe. Verwaltungsrollen können nur universellen Sicherheitsgruppen und Rollengruppen zugewiesen werden.`,
		"グループ \"%s\" はユニバーサル セキュリティ グループではありません。管理役割は、ユニバーサル セキュリティ グループおよび役割グループにのみ割り当てることができます。",
	}
	msgMemberExists = message{
		`The recipient "%s" is already a member of the group "%s".`,
		`Der Empfänger "%s" ist bereits Mitglied der Gruppe "%s".`,
		"受信者 \"%s\" は既にグループ \"%s\" のメンバーです。",
	}
	msgMemberMissing = message{
		`The recipient "%s" isn't a member of the group "%s".`,
		`Der Empfänger "%s" ist kein Mitglied der Gruppe "%s".`,
		"受信者 \"%s\" はグループ \"%s\" のメンバーではありません。",
	}
	msgNotManager = message{
		"You don't have sufficient permissions. This operation can only be performed by a manager of the group.",
		"Sie haben keine ausreichenden Berechtigungen. Dieser Vorgang kann nur von einem Manager der Gruppe ausgeführt werden.",
		"十分なアクセス許可がありません。この操作を実行できるのは、グループの管理者だけです。",
	}
	msgBuiltInGroup = message{
		`The role group "%s" can't be removed because it's a built-in role group.`,
		`Die Rollengruppe "%s" kann nicht entfernt werden, da sie eine integrierte Rollengruppe ist.`,
		"役割グループ \"%s\" は組み込みの役割グループであるため、削除できません。",
	}
	msgNothingModified = message{
		"The command completed successfully but no settings of '%s' have been modified.",
		"Der Befehl wurde erfolgreich ausgeführt, jedoch wurden keine Einstellungen von '%s' geändert.",
		"コマンドは正常に完了しましたが、'%s' の設定は変更されませんでした。",
	}
	msgMoreResults = message{
		`By default, only the first 1000 items are returned. Use the ResultSize parameter to specify the number of items returned. To return all items, specify "-ResultSize Unlimited". Be aware that, depending on the actual number of items, returning all items can take a long time and consume a large amount of memory. Also, we don't recommend storing the results in a variable. Instead, pipe the results to another task or script to perform batch changes.`,
		`Standardmäßig werden nur die ersten 1000 Elemente zurückgegeben. Verwenden Sie den ResultSize-Parameter, um die Anzahl der zurückzugebenden Elemente anzugeben. Um alle Elemente zurückzugeben, geben Sie "-ResultSize Unlimited" an.`,
		`既定では、最初の 1000 個の項目だけが返されます。返される項目の数を指定するには、ResultSize パラメーターを使用します。すべての項目を返すには、"-ResultSize Unlimited" を指定します。`,
	}
	msgMoreResultsAsked = message{
		"There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter.",
		"Es sind mehr Ergebnisse verfügbar als derzeit angezeigt. Erhöhen Sie den Wert für den ResultSize-Parameter, um sie anzuzeigen.",
		"現在表示されている以外にも結果があります。表示するには、ResultSize パラメーターの値を増やしてください。",
	}
)

// What PowerShell itself says, before the cmdlet runs.
var (
	msgCommandNotFound = message{
		"The term '%s' is not recognized as the name of a cmdlet, function, script file, or operable program. Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
		"Die Benennung \"%s\" wurde nicht als Name eines Cmdlet, einer Funktion, einer Skriptdatei oder eines ausführbaren Programms erkannt. Überprüfen Sie die Schreibweise des Namens, oder ob der Pfad korrekt ist (sofern enthalten), und wiederholen Sie den Vorgang.",
		"用語 '%s' は、コマンドレット、関数、スクリプト ファイル、または操作可能なプログラムの名前として認識されません。名前が正しく記述されていることを確認し、パスが含まれている場合はそのパスが正しいことを確認してから、再試行してください。",
	}
	msgParameterNotFound = message{
		"A parameter cannot be found that matches parameter name '%s'.",
		"Es wurde kein Parameter gefunden, der dem Parameternamen \"%s\" entspricht.",
		"パラメーター名 '%s' に一致するパラメーターが見つかりません。",
	}
	msgParameterAmbiguous = message{
		"Parameter cannot be processed because the parameter name '%s' is ambiguous. Possible matches include:%s.",
		"Der Parameter kann nicht verarbeitet werden, da der Parametername \"%s\" nicht eindeutig ist. Mögliche Übereinstimmungen:%s.",
		"パラメーター名 '%s' があいまいなため、パラメーターを処理できません。一致する可能性があるものには%s が含まれています。",
	}
	msgParameterTwice = message{
		"Cannot bind parameter because parameter '%s' is specified more than once.",
		"Der Parameter kann nicht gebunden werden, da der Parameter \"%s\" mehrmals angegeben wurde.",
		"パラメーター '%s' が複数回指定されているため、パラメーターをバインドできません。",
	}
	msgParameterSet = message{
		"Parameter set cannot be resolved using the specified named parameters.",
		"Der Parametersatz kann mit den angegebenen benannten Parametern nicht aufgelöst werden.",
		"指定された名前付きパラメーターを使用してパラメーター セットを解決できません。",
	}
	msgMandatoryMissing = message{
		"Cannot process command because of one or more missing mandatory parameters: %s.",
		"Der Befehl kann nicht verarbeitet werden, da mindestens ein erforderlicher Parameter fehlt: %s.",
		"1 つ以上の必須パラメーター %s が指定されていないため、コマンドを処理できません。",
	}
	msgNullArgument = message{
		"Cannot bind argument to parameter '%s' because it is null.",
		"Das Argument kann nicht an den Parameter \"%s\" gebunden werden, da es NULL ist.",
		"引数が null であるため、パラメーター '%s' にバインドできません。",
	}
	msgEmptyArgument = message{
		"Cannot bind argument to parameter '%s' because it is an empty string.",
		"Das Argument kann nicht an den Parameter \"%s\" gebunden werden, da es sich um eine leere Zeichenfolge handelt.",
		"引数が空の文字列であるため、パラメーター '%s' にバインドできません。",
	}
	msgCannotConvert = message{
		"Cannot process argument transformation on parameter '%s'. Cannot convert the value to type %s.",
		"Die Argumenttransformation für den Parameter \"%s\" kann nicht verarbeitet werden. Der Wert kann nicht in den Typ %s konvertiert werden.",
		"パラメーター '%s' の引数変換を処理できません。値を型 %s に変換できません。",
	}
	msgFilterSyntax = message{
		"Cannot bind parameter '%[1]s' to the target. Exception setting \"%[1]s\": \"Invalid filter syntax. For a description of the filter parameter syntax see the command help.\r\n\"%[2]s\" at position %[3]d.\"",
		"Der Parameter \"%[1]s\" kann nicht an das Ziel gebunden werden. Ausnahme beim Festlegen von \"%[1]s\": \"Ungültige Filtersyntax. Eine Beschreibung der Syntax für Filterparameter finden Sie in der Befehlshilfe.\r\n\"%[2]s\" an Position %[3]d.\"",
		"パラメーター '%[1]s' をターゲットにバインドできません。\"%[1]s\" の設定中に例外が発生しました: \"フィルターの構文が無効です。フィルター パラメーターの構文については、コマンドのヘルプを参照してください。\r\n\"%[2]s\" 位置 %[3]d。\"",
	}
	msgFilterProperty = message{
		"Cannot bind parameter '%[1]s' to the target. Exception setting \"%[1]s\": \"\"%[2]s\" is not a recognized filterable property. For a complete list of filterable properties see the command help.\r\n\"%[3]s\" at position %[4]d.\"",
		"Der Parameter \"%[1]s\" kann nicht an das Ziel gebunden werden. Ausnahme beim Festlegen von \"%[1]s\": \"\"%[2]s\" ist keine bekannte filterbare Eigenschaft. Eine vollständige Liste der filterbaren Eigenschaften finden Sie in der Befehlshilfe.\r\n\"%[3]s\" an Position %[4]d.\"",
		"パラメーター '%[1]s' をターゲットにバインドできません。\"%[1]s\" の設定中に例外が発生しました: \"\"%[2]s\" はフィルター可能なプロパティとして認識されません。フィルター可能なプロパティの一覧については、コマンドのヘルプを参照してください。\r\n\"%[3]s\" 位置 %[4]d。\"",
	}
	msgNoPrompt = message{
		"A command that prompts the user failed because the host program or the command type does not support user interaction. The host was attempting to request confirmation with the following message: %s",
		"Ein Befehl, der Benutzereingaben anfordert, ist fehlgeschlagen, da das Hostprogramm oder der Befehlstyp keine Benutzerinteraktion unterstützt. Der Host hat versucht, eine Bestätigung mit der folgenden Meldung anzufordern: %s",
		"ホスト プログラムまたはコマンドの種類でユーザーとの対話がサポートされていないため、ユーザーに入力を求めるコマンドが失敗しました。ホストは、次のメッセージで確認を要求しようとしていました: %s",
	}
)
