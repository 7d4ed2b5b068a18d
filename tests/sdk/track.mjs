// Makes calls with @segment/analytics-node, as standard input says; tells what the SDK does, a JSON line each.
import { Analytics } from '@segment/analytics-node'
import { text } from 'node:stream/consumers'

const { settings, calls } = JSON.parse(await text(process.stdin))
const tell = (happened, more) => console.log(JSON.stringify({ happened, ...more }))

const analytics = new Analytics(settings)
analytics.on('http_request', () => tell('request'))
analytics.on('http_response', ({ status }) => tell('response', { status }))
analytics.on('error', ({ code, reason }) => tell('error', { code, reason: reason.message }))

for (const [method, event] of calls) {
  analytics[method](event, (error, { event }) => error || tell('delivered', { messageId: event.messageId }))
}
await analytics.closeAndFlush()
