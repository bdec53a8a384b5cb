require "mcollective/util/works"

module MCollective
  module Agent
    # A mail queue of as many messages as the node's file "queue" says. Once it is flushed, half of them are
    # gone each time that somebody looks.
    class Postfix<RPC::Agent
      action "queue" do
        size = Util::Works.number("queue")
        size /= 2 if Util::Works.number("flushed").positive?
        Util::Works.put("queue", size)
        Util::Works.work("postfix.queue", size)
        reply[:size] = size
      end

      action "flush" do
        Util::Works.work("postfix.flush")
        Util::Works.put("flushed", 1)
      end
    end
  end
end
