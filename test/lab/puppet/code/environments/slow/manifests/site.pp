# A catalog that takes as many seconds to apply as the fact lab_sleep says, 5 without it.
$seconds = $facts['lab_sleep'] ? { undef => 5, default => $facts['lab_sleep'] }

exec { 'sleeps on purpose':
  command => "/bin/sleep ${seconds}",
}
-> file { "${facts['lab_root']}/slept":
  content => "${seconds}\n",
}
