require "digest"
require "fileutils"
require "json"
require "net/http"
require "openssl"
require "timeout"
require "uri"
require "yaml"

module MCollective
  module Util
    # The files of the agent deploop: facts as data, puppet.conf. Knows nothing of requests and replies.
    # Every file is replaced as a whole, by rename, and keeps its mode and owner.
    module DeploopFiles
      class Refused < StandardError; end

      FACT = /\A[a-zA-Z][a-zA-Z\d\-_.:]{0,99}\z/.freeze
      VALUE = %r{\A[a-zA-Z\d\-_.:/]+(?: +[a-zA-Z\d\-_.:/]+)*\z}.freeze
      VALUE_LENGTH = 100
      ENVIRONMENT = /\A[a-zA-Z\d_]{1,50}\z/.freeze
      # sshrsakey and its like, and what newer Facters call ssh: no business of whoever may ask for facts.
      SSH = /\Assh(?:fp_.*|.*key)?\z/.freeze
      CHANGE = Mutex.new

      module_function

      # set_fact("/etc/facter/facts.d/deploop.yaml", "role", "nn1 rm"): whether that changed anything
      def set_fact(file, name, value)
        check_fact(name, value)
        change_facts(file) { |facts| facts[name] = value }
      end

      def remove_fact(file, name)
        check_name(name)
        change_facts(file) { |facts| facts.delete(name) }
      end

      # What was there and is not in facts goes.
      def replace_facts(file, facts)
        facts.each { |name, value| check_fact(name, value) }
        change_facts(file) { |old| old.replace(facts) }
      end

      # Makes MCollective's own file say the same: names that are not in facts go, all others stay.
      def refresh(file, names, facts)
        change_facts(file) do |all|
          all.delete_if { |name, _| SSH.match?(name.to_s) || names.include?(name) }
          all.merge!(facts)
        end
      end

      def facts_of(file)
        return {} unless File.exist?(file)
        facts = parse(file, File.read(file, :encoding => "UTF-8"))
        facts.is_a?(Hash) ? facts : refuse("#{file} holds no facts; repair or remove it")
      end

      def environment(file, name)
        refuse("not the name of an environment: #{name.inspect}") unless name.is_a?(String) && ENVIRONMENT.match?(name)
        CHANGE.synchronize do
          old = File.exist?(file) ? File.read(file, :encoding => "UTF-8") : ""
          new = with_environment(old, name)
          replace(file, new) if new != old
          new != old
        end
      end

      # The text with one setting environment in its section agent, which wins over that of main.
      def with_environment(text, name)
        wanted = "environment = #{name}\n"
        section = ""
        found = []
        lines = text.lines.map { |line| line.end_with?("\n") ? line : "#{line}\n" }
        lines.each_with_index do |line, i|
          section = line[/\A\s*\[\s*(\w+)\s*\]/, 1] || section
          found << i if section == "agent" && line =~ /\A\s*environment\s*=/
        end
        return inserted(lines, wanted) if found.empty?
        return text if found.size == 1 && lines[found[0]] =~ /=\s*#{name}\s*\z/
        lines[found.shift] = wanted
        lines.reject.with_index { |_, i| found.include?(i) }.join
      end

      # As the first of the section agent, which is added if there is none.
      def inserted(lines, wanted)
        head = lines.index { |line| line =~ /\A\s*\[\s*agent\s*\]/ }
        return lines.insert(head + 1, wanted).join if head
        "#{lines.join}#{"\n" unless lines.empty?}[agent]\n#{wanted}"
      end

      # fetch("https://host/facts.yaml", nil, …): the facts of that file. Follows no redirect, asks no proxy.
      def fetch(url, sha256, limit, ca_file = nil)
        uri = source(url, sha256)
        body = download(uri, limit, ca_file)
        if sha256 && Digest::SHA256.hexdigest(body) != sha256.downcase
          refuse("#{url} is not what it should be: its SHA-256 is #{Digest::SHA256.hexdigest(body)}")
        end
        scalars(url, parse(uri.path, body.force_encoding("UTF-8")))
      end

      def source(url, sha256)
        uri = URI.parse(url)
        refuse("no http or https: #{url}") unless uri.is_a?(URI::HTTP) && uri.host && uri.userinfo.nil?
        refuse("not a SHA-256 in hexadecimal digits: #{sha256}") unless sha256.nil? || sha256 =~ /\A\h{64}\z/
        refuse("#{url} may be forged on its way; use https, or give its sha256") if uri.scheme != "https" && sha256.nil?
        uri
      rescue URI::Error
        refuse("no URL: #{url}")
      end

      def download(uri, limit, ca_file)
        http = Net::HTTP.new(uri.host, uri.port, nil)
        http.open_timeout = http.read_timeout = 5
        http.use_ssl = uri.scheme == "https"
        http.ca_file = ca_file if ca_file
        Timeout.timeout(20) { http.start { body_of(http, uri, limit) } }
      rescue SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError,
             Net::HTTPBadResponse, Net::HTTPHeaderSyntaxError => e
        refuse("#{uri}: #{e.message}")
      end

      # Not longer than limit, though the server sends more.
      def body_of(http, uri, limit)
        body = String.new
        http.request_get(uri.request_uri, "Accept-Encoding" => "identity") do |response|
          refuse("#{uri} answers #{response.code}; only 200 will do") unless response.is_a?(Net::HTTPOK)
          response.read_body do |part|
            body << part
            refuse("#{uri} is larger than #{limit} bytes") if body.bytesize > limit
          end
        end
        body
      end

      # Numbers and true are what a person writes for text; facts are text.
      def scalars(url, facts)
        refuse("#{url} is no mapping of facts") unless facts.is_a?(Hash)
        facts.each_with_object({}) do |(name, value), text|
          refuse("#{url}: #{name} is no plain value") unless [String, Integer, Float, TrueClass, FalseClass].include?(value.class)
          text[name.to_s] = value.to_s
          check_fact(name.to_s, value.to_s)
        end
      end

      def parse(name, text)
        refuse("#{name} is not UTF-8") unless text.valid_encoding?
        name.end_with?(".json") ? JSON.parse(text) : (YAML.safe_load(text) || {})
      rescue JSON::ParserError, Psych::Exception => e
        refuse("#{name}: #{e.message.lines.first.to_s.strip}")
      end

      def check_name(name)
        refuse("not the name of a fact: #{name.inspect}") unless name.is_a?(String) && FACT.match?(name)
      end

      def check_fact(name, value)
        check_name(name)
        return if value.is_a?(String) && value.length <= VALUE_LENGTH && VALUE.match?(value)
        refuse("not a value for #{name}: words of letters, digits and -_.:/, together at most #{VALUE_LENGTH}")
      end

      def change_facts(file)
        CHANGE.synchronize do
          old = facts_of(file)
          new = old.dup
          yield new
          replace(file, file.end_with?(".json") ? "#{JSON.pretty_generate(new)}\n" : YAML.dump(new)) if new != old
          new != old
        end
      end

      # What a link names is replaced, not the link.
      def replace(file, text)
        file = File.realpath(file) if File.symlink?(file)
        FileUtils.mkdir_p(File.dirname(file))
        old = File.exist?(file) ? File.stat(file) : nil
        part = "#{file}.#{Process.pid}.new"
        FileUtils.rm_f(part)
        File.open(part, File::WRONLY | File::CREAT | File::EXCL, 0o600) do |f|
          f.write(text)
          f.chown(old.uid, old.gid) if old
          f.chmod(old ? old.mode & 0o7777 : 0o644)
          f.fsync
        end
        File.rename(part, file)
      ensure
        FileUtils.rm_f(part) if part
      end

      def refuse(text)
        raise Refused, text
      end
    end
  end
end
