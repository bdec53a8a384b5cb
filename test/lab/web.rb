# A web server for tests: web.rb FOLDER [CERTIFICATE KEY]. Prints its port, serves the files of the folder.
# /redirect sends to /facts.yaml, /huge never ends, /mute accepts and never answers.
require "openssl"
require "socket"

folder, certificate, key = ARGV
server = TCPServer.new("127.0.0.1", 0)
puts server.addr[1]
$stdout.flush
if certificate
  context = OpenSSL::SSL::SSLContext.new
  context.cert = OpenSSL::X509::Certificate.new(File.read(certificate))
  context.key = OpenSSL::PKey.read(File.read(key))
  server = OpenSSL::SSL::SSLServer.new(server, context)
end

def head(status, *lines)
  ["HTTP/1.1 #{status}", "Connection: close", *lines, "", ""].join("\r\n")
end

def answer(client, folder, path)
  file = File.join(folder, File.basename(path))
  case path
  when "/redirect" then client.write(head("302 Found", "Location: facts.yaml", "Content-Length: 0"))
  when "/mute" then sleep
  when "/huge"
    client.write(head("200 OK"))
    loop { client.write("x: y\n" * 1000) }
  else
    return client.write(head("404 Not Found", "Content-Length: 0")) unless File.file?(file)
    client.write(head("200 OK", "Content-Length: #{File.size(file)}"), File.binread(file))
  end
end

loop do
  begin
    client = server.accept
  rescue OpenSSL::SSL::SSLError
    next
  end
  Thread.new(client) do |c|
    path = c.gets.to_s[/\A\S+ (\S+)/, 1]
    nil until c.gets.to_s.strip.empty?
    answer(c, folder, path)
  rescue SystemCallError, OpenSSL::SSL::SSLError
    nil
  ensure
    c.close
  end
end
