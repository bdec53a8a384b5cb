# What a node gets is chosen by its role facts: one file below its own root for each role it has.
# The roles are tokens with blanks between them; who has no role gets an empty folder.
$root = $facts['lab_root']
$roles = split(String($facts['deploop_role'] ? { undef => '', default => $facts['deploop_role'] }), '[ \t]+').unique.filter |$role| { $role != '' }
$known = ['nn1', 'nn2', 'rm', 'dn', 'bus-worker', 'speed-master', 'speed-worker', 'serving-master', 'serving-worker']

file { "${root}/roles":
  ensure  => directory,
  recurse => true,
  purge   => true,
}

$roles.each |$role| {
  if $role in $known {
    file { "${root}/roles/${role}":
      ensure  => file,
      content => "collection ${facts['deploop_collection']}, category ${facts['deploop_category']}\n",
    }
  } else {
    notify { "unknown role ${role}": }
  }
}
