rule windows_program : program {
  meta: description = "Begins as a Windows program does"
  strings: $pe = "PE\x00\x00"
  condition: uint16(0) == 0x5A4D and for any i in (1..#pe): (@pe[i] == uint32(0x3C))
}
rule linux_program : program {
  meta: description = "Begins as an ELF file does"
  condition: uint32be(0) == 0x7F454C46
}
rule program_inside : program embedded {
  meta: description = "A Windows program lies within the file, plain or XORed with one byte"
  strings: $stub = "This program cannot be run in DOS mode" xor
  condition: for any i in (1..#stub): (@stub[i] > 0x400 or uint16(0) != 0x5A4D)
}
rule script_with_encoded_command : script {
  meta: description = "A shell of Windows is given a command in Base64"
  strings: $call = /powershell(\.exe)?"?\s[^\r\n]{0,200}-e(nc|ncodedcommand)?\s+[A-Za-z0-9+\/=]{16}/ nocase ascii wide
  condition: $call
}
rule script_from_the_network : script {
  meta: description = "Something is downloaded and run at once"
  strings:
    $unix = /(curl|wget)\s[^\r\n|]{1,200}\|\s*(sudo\s+)?(ba|z|da)?sh\b/
    $windows = /(iex|invoke-expression)[^\r\n]{0,100}(downloadstring|invoke-webrequest|iwr)\b/ nocase ascii wide
  condition: any of them
}
rule office_macro_that_starts_itself : document macro {
  meta: description = "A macro that starts when its document is opened, and runs something"
  strings:
    $start = /\b(auto_?open|document_open|workbook_open)\b/ nocase
    $run = /\b(shell|createobject|wscript\.shell)\b/ nocase
  condition: $start and $run
}
rule pdf_that_acts : document {
  meta: description = "A PDF with a script, or one that starts a program"
  strings:
    $script = /\/(JavaScript|JS)[\s(<\/]/
    $launch = /\/Launch[\s\/>]/
  condition: uint32be(0) == 0x25504446 and any of them
}
rule private_key : secret {
  meta: description = "A private key in PEM"
  strings: $key = /-----BEGIN ([A-Z0-9]{1,12} ){0,3}PRIVATE KEY-----/
  condition: $key
}
rule eicar_test_file : test {
  meta: description = "The file with which scanners of viruses are tried; it is harmless"
  strings: $eicar = { 58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34 28 50 5E 29 37 43 43 29 37 7D 24 45 49 43 41 52 }
  condition: $eicar at 0
}
