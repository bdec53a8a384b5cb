module MCollective
  module Validator
    class Puppet_tagsValidator
      def self.validate(value)
        raise("not tags, separated by commas: #{value}") unless value.is_a?(String) && value.match?(/\A[\w:.\-]+(?:,[\w:.\-]+)*\z/)
      end
    end
  end
end
