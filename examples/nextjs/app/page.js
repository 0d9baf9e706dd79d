export default function Page() {
  return <a href="/api/hello">hello</a>;
}
