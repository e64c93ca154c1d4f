# What build/test-arm64.sh leaves out, and why. CONTRIBUTING.md ("arm64") says the same. For build/arm64/inside.sh to source.

transport_leaves_out=(-method- '*64_MB*')
supervisor_leaves_out=(-class- '*RandomStoryTests')

left_out() {
  step "left out, and why"
}
