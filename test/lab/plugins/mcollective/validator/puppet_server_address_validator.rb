module MCollective
  module Validator
    class Puppet_server_addressValidator
      def self.validate(value)
        raise("not an address as name or name:port: #{value}") unless value.is_a?(String) && value.match?(/\A[\w.\-]+(?::\d{1,5})?\z/)
      end
    end
  end
end
