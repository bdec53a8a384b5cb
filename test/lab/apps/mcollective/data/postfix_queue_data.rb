require "mcollective/util/works"

module MCollective
  module Data
    # How much mail waits, for filters: postfix_queue().size > 50
    class Postfix_queue_data<Base
      query do |_|
        result[:size] = Util::Works.number("queue")
      end
    end
  end
end
