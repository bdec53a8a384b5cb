module MCollective
  # mco await NODE...: end as soon as every named node has answered. An answer proves that all
  # subscriptions of the node exist, since they left on the same connection before it.
  class Application::Await<Application
    description "Wait until the named nodes answer"

    option :limit,
           :description => "Give up after so many seconds",
           :arguments   => ["--limit SECONDS"],
           :type        => Integer,
           :default     => 60

    def main
      client = Client.new(options)
      missing = ARGV.dup
      deadline = now + configuration[:limit]
      missing -= answering(client, missing) until missing.empty? || now > deadline
      return if missing.empty?

      warn "no answer within %d s from %s" % [configuration[:limit], missing.join(", ")]
      exit 1
    end

    private

    def answering(client, nodes)
      seen = []
      client.req("ping", "discovery", options.merge(:timeout => 1), nodes) { |reply| seen << reply[:senderid] }
      seen
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
